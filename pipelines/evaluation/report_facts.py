"""What came of a comparison, gathered from its folder and written: tables, pictures, report."""

from pathlib import Path
from typing import Any

import msgspec

from pipelines.data.data_folder import DataFolder
from pipelines.data.json_files import read_json, write_json
from pipelines.drawing.gallery import write_gallery
from pipelines.evaluation.compare_plan import SHARPENER, TITLES
from pipelines.evaluation.comparison import EVALUATION, Comparison
from pipelines.evaluation.paper import SYSTEMS
from pipelines.evaluation.report import ReportFacts, Shown, StudyShown, write_report
from pipelines.evaluation.side_by_side import SideBySide, side_by_side
from pipelines.evaluation.tables import Table, build_tables, tables_json, tables_markdown
from pipelines.machine import machine, versions
from pipelines.training.history import read_history
from t2i_tf.files import write_atomically


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
    shown = _side_by_side(comparison)
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
        machine=machine(),
        versions=versions(),
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


def _side_by_side(comparison: Comparison) -> SideBySide:
    """In the paper's order; of the sharpener, what it makes of the system that is studied."""
    systems = comparison.trained(*(name for name in SYSTEMS if name in comparison.runs))
    if not systems:
        return SideBySide([], [], {})
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
    minutes = max(comparison.runs[system].minutes for system in comparison.systems)
    return (
        f"Data: {folder.manifest.source}, {folder.split('train').examples:,} training pictures of "
        f"{folder.height}x{folder.width}. Every system was trained for {minutes:g} minutes. In "
        "brackets: 95 % intervals, by bootstrap over examples."
    )
