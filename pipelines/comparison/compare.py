"""Trains every system with the same budget, measures each, and writes tables and a report."""

import traceback

from pipelines.comparison.eta import Forecast
from pipelines.comparison.plan import plan_runs, world_of
from pipelines.comparison.state import Record
from pipelines.comparison.steps import Comparison, Interrupted, Piece, Work, real_work
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.options import Compare
from t2i_tf.errors import UserError


def compare(chosen: Compare, work: Work | None = None) -> dict[str, str]:
    """Compare systems in a folder; the same call on a begun one goes on where it stopped.

        skip-thought/  align-draw/ ...  sharpening/  captioner/   the runs
        align-draw/evaluation.json ...                            what was measured
        studies/                                                  of one system
        compare.json                                              what has been done
        tables.md  tables.json  report.html  gallery.png          what came of it

    What has been trained or measured is not done again. A piece that fails is told, and the others
    go on.

    Args:
        chosen: the options of the command.
        work: what does the pieces; the real thing where not given.

    Returns:
        Why each piece that failed did, by its title; empty where all went well.

    Raises:
        Interrupted: a training was stopped; it is saved.
        UserError: the folders are not usable, or WORKDIR holds another comparison.
    """
    folder = DataFolder.open(chosen.data)
    world = chosen.world or world_of(folder.manifest.source)
    runs = plan_runs(
        chosen.systems,
        world,
        chosen.minutes,
        encoder_minutes=chosen.encoder_minutes,
        own_encoder=chosen.sentences is not None,
        without=chosen.without,
        seed=chosen.seed,
    )
    record = Record.open(chosen.workdir, folder, world, chosen.seed, chosen.sentences)
    record.begin(chosen.workdir, chosen.command())
    comparison = Comparison(
        folder,
        chosen.workdir,
        runs,
        record,
        work or real_work(),
        sentences=chosen.sentences,
        with_studies="studies" not in chosen.without,
    )
    pieces = comparison.pieces()
    forecast = Forecast({piece.title: piece.seconds() for piece in pieces})
    for piece in pieces:
        _do(piece, record, forecast)
        record.save(chosen.workdir)
        for later in pieces:
            forecast.expect(later.title, later.seconds())
    return record.failed


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
