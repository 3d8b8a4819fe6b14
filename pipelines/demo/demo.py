"""The whole pipeline in one call: make scenes, prepare, train, draw, and write a report."""

import dataclasses
import os
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipelines.benchmarks.machine import versions
from pipelines.data.preparation.prepare import prepare
from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_captioned_images
from pipelines.data.scenes.captions import TALK_CAPTIONS
from pipelines.data.scenes.dataset import write_scenes
from pipelines.data.scenes.world import is_held_out
from pipelines.data.sources.coco import CocoSource
from pipelines.demo.report import Flip, Provenance, ReportFacts, write_report
from pipelines.evaluation.caption_accuracy import HELD_OUT, SEEN, measure_caption_accuracy
from pipelines.evaluation.load_run import trained_lengths
from pipelines.html_report.rendering import duration
from pipelines.sampling.sampler import Sample, Sampler
from pipelines.training.history import read_history
from pipelines.training.train import Outcome, train
from pipelines.typed_form import as_typed
from t2i_tf import checkpoints
from t2i_tf.config import TrainConfig
from t2i_tf.errors import UserError
from t2i_tf.presets import preset

OPENING = 6  # captions that open the report
GALLERY = 8  # captions of each gallery
FLIP_SEEDS = 4


class DemoInterrupted(UserError):
    """The user interrupted the training, which is saved."""

    exit_code = 130


def demo(
    folder: Path = Path("runs/demo"),
    *,
    minutes: float | None = None,
    preset_name: str = "align-draw-scenes",
    pictures: int = 20_000,
    judged: int = 250,
) -> Path:
    """Run the demo in `folder`; called again, it resumes where it stopped.

        scenes/  data/  run/             pictures with captions, the data folder, the work folder
        report.html  report.json         the results

    Args:
        folder: Folder of the demo; created if it is missing.
        minutes: Minutes of training, instead of the preset's.
        preset_name: Preset of a model for the scenes.
        pictures: Size of the training split; the other splits have a twentieth of it or a little
            more.
        judged: Drawings that are judged, of seen and of held-out compositions each.

    Returns:
        The path of report.html.

    Raises:
        DemoInterrupted: training was interrupted.
        UserError: the folder holds other data.
    """
    folder, config = Path(folder), _config(preset_name, minutes)
    seconds: dict[str, float] = {}
    with _stage("1/5 Make scenes and captions", seconds):
        _make_scenes(folder, pictures, judged)
    with _stage("2/5 Prepare them for training", seconds):
        _prepare(folder, config)
    with _stage(f"3/5 Train {preset_name}", seconds):
        outcome = _train(folder, config)
    with _stage("4/5 Draw captions and judge the drawings", seconds):
        trained = checkpoints.load(folder / "run")
        sampler, lengths = Sampler(trained), trained_lengths(trained.config)
        data = DataFolder.open(folder / "data")
        drawings = _draw(sampler, data, lengths)
        accuracy = measure_caption_accuracy(sampler, data, lengths, pictures=judged)
    with _stage("5/5 Write the report", seconds):
        facts = ReportFacts(
            **drawings,
            accuracy=accuracy,
            judged=2 * judged,
            history=read_history(folder / "run" / "history.csv"),
            provenance=_provenance(folder, preset_name, pictures, outcome, seconds),
        )
        path = write_report(folder, facts)
    print(f"\nThe report: {path}")
    return path


@contextmanager
def _stage(title: str, seconds: dict[str, float]) -> Iterator[None]:
    """Print the title and, at the end, the time; keep the seconds under the title's words."""
    print(f"\n{title}", flush=True)
    start = time.monotonic()
    yield
    seconds[title.split(" ", 1)[1]] = time.monotonic() - start
    print(f"    took {duration(time.monotonic() - start)}", flush=True)


def _config(preset_name: str, minutes: float | None) -> TrainConfig:
    config = preset(preset_name).config
    return config if minutes is None else dataclasses.replace(config, minutes=minutes)


def _make_scenes(folder: Path, pictures: int, judged: int) -> None:
    others = max(pictures // 20, judged)
    write_scenes(folder / "scenes", train=pictures, val=others, test=2 * others, held_out=others)


def _prepare(folder: Path, config: TrainConfig) -> None:
    height, width = config.model.height, config.model.width
    prepare(CocoSource(folder / "scenes"), folder / "data", height=height, width=width)


def _train(folder: Path, config: TrainConfig) -> Outcome:
    outcome = train(config, folder / "data", folder / "run")
    if outcome.interrupted:
        raise DemoInterrupted(
            f"Training was interrupted; step {outcome.step} is saved. Run the same command again to"
            " resume."
        )
    return outcome


def _draw(sampler: Sampler, data: DataFolder, lengths: LengthRange) -> dict:
    """The drawings of the report, by their names in `ReportFacts`, without any selection."""
    novel = [words for words, s in TALK_CAPTIONS["novel compositions"] if is_held_out(s)]
    held_out = read_captioned_images(data, HELD_OUT, OPENING + GALLERY, lengths).captions
    rest = OPENING - len(novel)
    return {
        "opening": _each(sampler, [*novel, *held_out[:rest]]),
        "flips": [
            _flip(sampler, "The colour", "colour flips", slice(0, 4)),
            _flip(sampler, "The weather", "background flips", slice(0, 2)),
            _flip(sampler, "The ground", "background flips", slice(2, 4)),
            _flip(sampler, "The object", "object flips", slice(0, 2)),
            _flip(sampler, "The animal", "object flips", slice(2, 4)),
        ],
        "seen": _each(sampler, read_captioned_images(data, SEEN, GALLERY, lengths).captions),
        "held_out": _each(sampler, held_out[rest:][:GALLERY]),
    }


def _each(sampler: Sampler, captions: Sequence[str]) -> list[Sample]:
    """One drawing of each caption, all from seed 0."""
    return [first for (first,) in sampler.draw(captions)]


def _flip(sampler: Sampler, title: str, study: str, which: slice) -> Flip:
    captions = [words for words, _ in TALK_CAPTIONS[study][which]]
    return Flip(title, sampler.draw(captions, n=FLIP_SEEDS))


def _provenance(
    folder: Path, preset_name: str, pictures: int, outcome: Outcome, seconds: dict[str, float]
) -> Provenance:
    run, data, longer = (shlex.quote(str(folder / name)) for name in ("run", "data", "run-longer"))
    return Provenance(
        preset=preset_name,
        training_steps=outcome.step,
        training_seconds=outcome.seconds,
        training_pictures=pictures,
        cores=os.cpu_count() or 1,
        versions=versions(),
        stage_seconds=seconds,
        command=f"{as_typed('python -m pipelines demo')} --folder {shlex.quote(str(folder))}",
        next_commands={
            "Draw a caption of your own": as_typed("python -m pipelines generate")
            + f' "a pink truck is parked on the beach" --workdir {run}',
            "Train for longer": as_typed("python -m pipelines train")
            + f" --preset {preset_name} --data {data} --workdir {longer} --minutes 30",
            "Watch the training": f"tensorboard --logdir {run}/tensorboard",
            "Prepare COCO, once downloaded": as_typed("python -m pipelines prepare")
            + " --source coco --input COCO --out data/coco-32",
        },
    )
