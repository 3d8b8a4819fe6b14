"""Trains every system with the same budget, measures each, and writes tables and a report."""

import traceback
from collections.abc import Collection, Sequence
from pathlib import Path

from pipelines.comparison.eta import Forecast
from pipelines.comparison.plan import DEFAULT_SYSTEMS, Part, World, plan_runs, world_of
from pipelines.comparison.state import Record
from pipelines.comparison.steps import Comparison, Interrupted, Piece, Work
from pipelines.data.prepared.data_folder import DataFolder
from t2i_tf.errors import UserError


def compare(
    data: Path,
    workdir: Path,
    minutes: float,
    *,
    systems: Sequence[str] = DEFAULT_SYSTEMS,
    world: World | None = None,
    encoder_minutes: float | None = None,
    sentences: Path | None = None,
    without: Collection[Part] = (),
    seed: int = 0,
    command: str | None = None,
    work: Work | None = None,
) -> dict[str, str]:
    """Compare systems in a folder; the same call resumes a comparison that was interrupted.

        skip-thought/  align-draw/ ...  sharpening/  captioner/   the runs
        align-draw/evaluation.json ...                            what was measured
        studies/                                                  of one system
        compare.json                                              what has been done
        tables.md  tables.json  report.html  gallery.png          what came of it

    What has been trained or measured is not done again. Where one piece fails, the error is
    recorded and the others are done all the same.

    Args:
        data: Data folder, made by `prepare`.
        workdir: Folder of the comparison, made where it is missing.
        minutes: Training budget of every system, of the sharpener and of the captioner.
        systems: Systems to compare, in the order in which they are trained.
        world: Which presets to use; by default those that suit the source of the data.
        encoder_minutes: Training budget of the sentence encoder; by default a quarter of `minutes`.
        sentences: An existing sentence encoder, used instead of one trained here.
        without: Parts to leave out.
        seed: Seed of every run.
        command: Command line to keep in the record.
        work: Functions that train, evaluate, study and report; by default `real_work()`.

    Returns:
        The error of each piece that failed, by its title; empty if none did.

    Raises:
        Interrupted: The user interrupted a training, which is saved.
        UserError: The data are not usable, or `workdir` holds another comparison.
    """
    folder = DataFolder.open(data)
    world = world or world_of(folder.manifest.source)
    runs = plan_runs(
        systems,
        world,
        minutes,
        encoder_minutes=encoder_minutes,
        own_encoder=sentences is not None,
        without=without,
        seed=seed,
    )
    record = Record.open(workdir, folder, world, seed, sentences)
    record.begin(workdir, command)
    comparison = Comparison(
        folder,
        workdir,
        runs,
        record,
        work or real_work(),
        sentences=sentences,
        with_studies="studies" not in without,
    )
    _do_all(comparison.pieces(), record, workdir)
    return record.failed


def real_work() -> Work:
    """Training, evaluation, studies and the report, as the commands of these names do them.

    They are imported here because they import TensorFlow, which planning does not need.
    """
    from pipelines.benchmarks.machine import machine, versions
    from pipelines.comparison.report_data import report_comparison
    from pipelines.evaluation.evaluate import evaluate
    from pipelines.studies.run_study import study
    from pipelines.training.train import train

    return Work(train, evaluate, study, report_comparison, lambda: {**machine(), **versions()})


def _do_all(pieces: Sequence[Piece], record: Record, workdir: Path) -> None:
    forecast = Forecast({piece.title: piece.seconds() for piece in pieces})
    for piece in pieces:
        _do(piece, record, forecast)
        record.save(workdir)
        for later in pieces:
            forecast.expect(later.title, later.seconds())


def _do(piece: Piece, record: Record, forecast: Forecast) -> None:
    """Do a piece, unless it is done; where it fails, say why and let the next one begin."""
    forecast.begin(piece.title)
    try:
        if not piece.is_done():
            piece.do()
    except Interrupted:
        raise
    except UserError as error:
        record.failed[piece.title] = str(error)
    except Exception as error:
        traceback.print_exc()
        record.failed[piece.title] = f"{type(error).__name__}: {error}"
    if piece.title in record.failed:
        print(f"{piece.title} FAILED: {record.failed[piece.title]}", flush=True)
    forecast.end(piece.title)
