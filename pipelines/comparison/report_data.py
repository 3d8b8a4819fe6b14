"""What came of a comparison, gathered from its folder and written: tables, pictures, report."""

from pathlib import Path
from typing import Any

import msgspec

from pipelines.comparison.paper_results import SYSTEMS
from pipelines.comparison.plan import SHARPENER, TITLES
from pipelines.comparison.report import ReportFacts, Shown, StudyShown, write_report
from pipelines.comparison.sample_grid import NOTHING, SideBySide, side_by_side
from pipelines.comparison.state import Record
from pipelines.comparison.steps import EVALUATION, Comparison
from pipelines.comparison.tables import Table, build_tables, tables_json, tables_markdown
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.sampling.system_gallery import write_gallery
from pipelines.training.history import read_history
from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically
from t2i_tf.json_files import read_json, write_json


class _Study(msgspec.Struct):
    """What is read of a study's JSON."""

    title: str
    text: str
    table: list[dict[str, Any]]
    figures: list[str]


def report_comparison(comparison: Comparison) -> None:
    """Write `tables.md`, `tables.json`, `gallery.png` and `report.html` of what is there."""
    workdir = comparison.workdir
    tables = write_tables(comparison)
    try:
        shown = _side_by_side(comparison)
    except UserError as error:  # a damaged run costs its pictures, not the report
        comparison.record.failed["Draw the same captions"] = str(error)
        shown = NOTHING
    if shown.captions:
        write_gallery(shown.rows, shown.captions, workdir / "gallery.png")
    facts = ReportFacts(
        record=comparison.record,
        data=about_data(comparison.folder),
        tables=tables,
        runs=[
            Shown(name, TITLES[name], read_history(workdir / name / "history.csv"))
            for name in comparison.runs
        ],
        captions=shown.captions,
        splits=shown.splits,
        pictures=shown.rows,
        studied=TITLES[comparison.subject],
        studies=[read_study(workdir / "studies" / f"{name}.json") for name in comparison.studied()],
        budgets=budgets_in_words(comparison.record),
        machines=machines(comparison.record),
    )
    write_report(workdir / "report.html", facts)


def write_tables(comparison: Comparison) -> list[Table]:
    """The tables of the systems that were measured, as Markdown and as JSON."""
    workdir = comparison.workdir
    evaluations = {
        system: read_json(workdir / system / EVALUATION, dict[str, Any])
        for system in comparison.measured()
    }
    tables = build_tables(evaluations)
    text = tables_markdown(tables, _heading(comparison)).encode()
    write_atomically(workdir / "tables.md", lambda file: file.write(text))
    made = msgspec.to_builtins(comparison.record)
    write_json(workdir / "tables.json", {"made": made, "tables": tables_json(tables)})
    return tables


def read_study(path: Path) -> StudyShown:
    """A study from its JSON and the figures beside it."""
    found = read_json(path, _Study)
    figures = [(path.parent / name).read_bytes() for name in found.figures]
    return StudyShown(found.title, found.text, found.table, figures)


def about_data(folder: DataFolder) -> dict[str, str]:
    """The data folder in words."""
    counts = (f"{name} {split.examples:,}" for name, split in folder.manifest.splits.items())
    return {
        "source": folder.manifest.source,
        "folder": str(folder.path),
        "pictures": f"{folder.height} x {folder.width} x {folder.channels}: {', '.join(counts)}",
        "words": f"{len(folder.vocabulary):,}",
        "SHA-256 of the manifest": folder.fingerprint[:16],
    }


def budgets_in_words(record: Record) -> str:
    """How long the systems were trained: one budget, or which had which.

    >>> record = Record("d", "f", "scenes", 0, "", [])
    >>> for name in ("align-draw", "lapgan"):
    ...     record.begin_run(name, "", "").end(12.0)
    >>> budgets_in_words(record)
    'Every system was trained for 12 minutes.'
    >>> record.runs["lapgan"].end(1.5)
    >>> budgets_in_words(record)
    'Not of one budget: alignDRAW was trained for 12, LAPGAN for 1.5 minutes.'
    """
    minutes = {name: run.minutes for name, run in record.runs.items() if name in SYSTEMS}
    if not minutes:
        return "No system was trained."
    first, *others = minutes.items()
    if all(budget == first[1] for _, budget in others):
        return f"Every system was trained for {first[1]:g} minutes."
    told = [f"{TITLES[first[0]]} was trained for {first[1]:g}"]
    told += [f"{TITLES[name]} for {budget:g}" for name, budget in others]
    return f"Not of one budget: {', '.join(told)} minutes."


def machines(record: Record) -> list[tuple[list[str], dict[str, str]]]:
    """What trained which runs: titles, and the machine and versions in words."""
    found: list[tuple[list[str], dict[str, str]]] = []
    for name, run in record.runs.items():
        same = next((titles for titles, machine in found if machine == run.machine), None)
        if same is None:
            found.append(([TITLES[name]], run.machine))
        else:
            same.append(TITLES[name])
    return found


def _side_by_side(comparison: Comparison) -> SideBySide:
    """In the paper's order; of the sharpener, what it makes of the system that is studied."""
    systems = comparison.trained(*(name for name in SYSTEMS if name in comparison.runs))
    if not systems:
        return NOTHING
    sharpens = comparison.trained(SHARPENER) and comparison.subject in systems
    return side_by_side(
        comparison.folder,
        [comparison.path(system) for system in systems],
        sharpen=comparison.sharpener(comparison.subject) if sharpens else None,
        sharpened=systems.index(comparison.subject) if sharpens else 0,
        seed=comparison.record.seed,
    )


def _heading(comparison: Comparison) -> str:
    folder = comparison.folder
    return (
        f"Data: {folder.manifest.source}, {folder.split('train').examples:,} training pictures of "
        f"{folder.height}x{folder.width}. {budgets_in_words(comparison.record)} In brackets: 95 % "
        "intervals, by bootstrap over examples, given this training and the seed of the noise."
    )
