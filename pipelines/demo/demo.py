"""The whole journey in one call: make scenes, prepare, train, draw, and write a report."""

import dataclasses
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipelines.benchmarks.machine import versions
from pipelines.data.preparation.prepare import prepare
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.scenes.captions import TALK_CAPTIONS
from pipelines.data.scenes.dataset import write_scenes
from pipelines.data.scenes.world import is_held_out
from pipelines.data.sources.coco import CocoSource
from pipelines.demo.report import Flip, Making, ReportFacts, write_report
from pipelines.evaluation.caption_accuracy import HELD_OUT, SEEN, Told, caption_accuracy, read_told
from pipelines.html_report.rendering import duration
from pipelines.sampling.sampler import Sample, Sampler
from pipelines.training.history import read_history
from pipelines.training.train import Outcome, train
from t2i_tf import checkpoints
from t2i_tf.config import TrainConfig
from t2i_tf.errors import UserError
from t2i_tf.presets import preset

OPENING = 6  # captions that open the report
GALLERY = 8  # captions of each gallery
FLIP_SEEDS = 4


def demo(
    folder: Path = Path("runs/demo"),
    *,
    minutes: float | None = None,
    preset_name: str = "align-draw-scenes",
    pictures: int = 20_000,
    judged: int = 250,
) -> Path:
    """Run the demo in `folder`; the same call on a begun folder goes on where it stopped.

        scenes/  data/  run/             the pictures, the data folder, the work folder
        report.html  report.json         what came of it

    Args:
        folder: made where it is missing.
        minutes: of training, instead of the preset's.
        preset_name: of a model for the scenes.
        pictures: of the training split; the others have a twentieth each.
        judged: drawings of seen compositions that are judged, and of held-out ones.

    Returns:
        The path of report.html.

    Raises:
        UserError: the folder holds something else, or training was interrupted.
    """
    folder = Path(folder)
    took: dict[str, float] = {}
    config = _config(preset_name, minutes)
    with _part("1/5 Make scenes and captions", took):
        others = max(pictures // 20, judged)
        write_scenes(
            folder / "scenes", train=pictures, val=others, test=2 * others, held_out=others
        )
    with _part("2/5 Prepare them for training", took):
        prepare(
            CocoSource(folder / "scenes"),
            folder / "data",
            height=config.model.height,
            width=config.model.width,
        )
    with _part(f"3/5 Train {preset_name}", took):
        outcome = _train(config, folder)
    with _part("4/5 Draw captions and judge the drawings", took):
        sampler = Sampler(checkpoints.load(folder / "run"))
        data = DataFolder.open(folder / "data")
        drawings = _draw(sampler, data)
        accuracy = caption_accuracy(sampler, data, pictures=judged)
    with _part("5/5 Write the report", took):
        facts = ReportFacts(
            **drawings,
            accuracy=accuracy,
            judged=2 * judged,
            history=read_history(folder / "run" / "history.csv"),
            making=_making(folder, preset_name, pictures, outcome, took),
        )
        path = write_report(folder, facts)
    print(f"\nThe report: {path}")
    return path


@contextmanager
def _part(title: str, took: dict[str, float]) -> Iterator[None]:
    """A heading before, the time it took after; keeps the time under the title."""
    print(f"\n{title}", flush=True)
    start = time.monotonic()
    yield
    took[title.split(" ", 1)[1]] = time.monotonic() - start
    print(f"    took {duration(time.monotonic() - start)}", flush=True)


def _config(preset_name: str, minutes: float | None) -> TrainConfig:
    config = preset(preset_name).config
    return config if minutes is None else dataclasses.replace(config, minutes=minutes)


def _train(config: TrainConfig, folder: Path) -> Outcome:
    outcome = train(config, folder / "data", folder / "run")
    if outcome.interrupted:
        raise UserError(
            f"Interrupted at step {outcome.step}; it is saved. The same command goes on from there."
        )
    return outcome


def _draw(sampler: Sampler, data: DataFolder) -> dict:
    """The drawings of the report, by their names in `ReportFacts`; seeds count from 0, unchosen."""
    novel = [words for words, s in TALK_CAPTIONS["novel compositions"] if is_held_out(s)]
    held_out = read_told(data, HELD_OUT, OPENING + GALLERY)
    rest = OPENING - len(novel)
    unseen = _each(sampler, [*novel, *_captions(held_out[:rest])])
    return {
        "unseen": unseen,
        "explained": unseen[0],
        "flips": [
            _flip(sampler, "The colour", "colour flips", slice(0, 4)),
            _flip(sampler, "The weather", "background flips", slice(0, 2)),
            _flip(sampler, "The ground", "background flips", slice(2, 4)),
            _flip(sampler, "The object", "object flips", slice(0, 2)),
            _flip(sampler, "The animal", "object flips", slice(2, 4)),
        ],
        "seen": _each(sampler, _captions(read_told(data, SEEN, GALLERY))),
        "held_out": _each(sampler, _captions(held_out[rest:])[:GALLERY]),
    }


def _captions(told: Sequence[Told]) -> list[str]:
    return [one.caption for one in told]


def _each(sampler: Sampler, captions: Sequence[str]) -> list[Sample]:
    """One drawing of each caption, all from seed 0."""
    return [first for (first,) in sampler.draw(captions)]


def _flip(sampler: Sampler, title: str, study: str, which: slice) -> Flip:
    captions = [words for words, _ in TALK_CAPTIONS[study][which]]
    return Flip(title, sampler.draw(captions, n=FLIP_SEEDS))


def _making(
    folder: Path, preset_name: str, pictures: int, outcome: Outcome, took: dict[str, float]
) -> Making:
    run, data = folder / "run", folder / "data"
    return Making(
        preset=preset_name,
        training_steps=outcome.step,
        training_seconds=outcome.seconds,
        training_pictures=pictures,
        cores=os.cpu_count() or 1,
        versions=versions(),
        took=took,
        command=f"python -m pipelines demo --folder {folder}",
        next_commands={
            "Draw a caption of your own": "python -m pipelines generate"
            f' "a pink truck is parked on the beach" --workdir {run}',
            "Train for longer": f"python -m pipelines train --preset {preset_name}"
            f" --data {data} --workdir {run}-longer --minutes 30",
            "Watch the training": f"tensorboard --logdir {run}/tensorboard",
            "Prepare COCO": "python -m pipelines prepare --source coco --input COCO"
            " --out data/coco-32",
        },
    )
