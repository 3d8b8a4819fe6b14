"""`cluster compare`: the trainings of a comparison side by side; then `compare` does the rest.

`compare` finds every run finished, measures them, and writes the same tables as on one machine.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from pipelines.cluster.ray_tasks import run_tasks
from pipelines.comparison.compare import plan_comparison
from pipelines.comparison.plan import ENCODER, Run
from pipelines.data.precomputed.sentence_vectors import SentenceVectors, open_encoder
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import CaptionReader


def train_side_by_side(
    ray: ModuleType,
    data: Path,
    workdir: Path,
    minutes: float,
    *,
    sentences: Path | None = None,
    gpus: int = 0,
    retries: int = 3,
    **options,
) -> None:
    """Trains all runs of a comparison as tasks: the encoder first, then the others at once.

    Args:
        ray: Ray, connected.
        data, workdir, minutes, sentences: As for `compare`.
        gpus: GPUs of each training.
        retries: How often a training is started again after its node was lost.
        options: Those of `plan_comparison`.

    Raises:
        UserError: trainings failed; the others are done, and the same command resumes.
    """
    folder, workdir = DataFolder.open(data), Path(workdir)
    runs, _ = plan_comparison(folder, minutes, trains_encoder=sentences is None, **options)
    first = [run for run in runs if run.name == ENCODER]
    _train(ray, first, folder, workdir, None, gpus, retries)
    encoder = workdir / ENCODER if first else sentences
    if encoder and any(run.config.reads_sentences for run in runs):
        _compute_vectors(folder, encoder)  # once: the trainings would all write the same files
    others = [run for run in runs if run.name != ENCODER]
    _train(ray, others, folder, workdir, encoder, gpus, retries)


def _train(
    ray: ModuleType,
    runs: Sequence[Run],
    folder: DataFolder,
    workdir: Path,
    encoder: Path | None,
    gpus: int,
    retries: int,
) -> None:
    commands = {}
    for run in runs:
        sentences = encoder if run.config.reads_sentences else None
        words = shlex.split(run.command(folder.path, workdir / run.name, sentences))
        commands[f"Train {run.title}"] = words[3:]  # without `python -m pipelines`
    if commands:
        workdir.mkdir(parents=True, exist_ok=True)
        run_tasks(ray, commands, gpus=gpus, retries=retries)


def _compute_vectors(folder: DataFolder, encoder: Path) -> None:
    vectors = SentenceVectors(CaptionReader(folder), open_encoder(folder, encoder))
    for split in ("train", "val"):
        vectors.vectors(split)
