"""Writes the results of a comparison, gathered from its folder: tables, sample grid and report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from pipelines.comparison.paper_results import SYSTEMS
from pipelines.comparison.plan import SHARPENER, TITLES
from pipelines.comparison.report import ReportData, RunHistory, StudySection, write_report
from pipelines.comparison.sample_grid import EMPTY_GRID, SampleGrid, draw_sample_grid
from pipelines.comparison.state import ComparisonState
from pipelines.comparison.steps import EVALUATION, Comparison
from pipelines.comparison.table_text import tables_json, tables_markdown
from pipelines.comparison.tables import Table, build_tables
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.sampling.system_gallery import write_gallery
from pipelines.training.history import read_history
from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically
from t2i_tf.json_files import read_json, write_json


class _StudyFile(msgspec.Struct):
    """The part of a study's JSON that the report shows."""

    title: str
    text: str
    table: list[dict[str, Any]]
    figures: list[str]


def report_comparison(comparison: Comparison) -> None:
    """Write `tables.md`, `tables.json`, `gallery.png` and `report.html` of what is done."""
    workdir = comparison.workdir
    tables = write_tables(comparison)
    try:
        grid = _sample_grid(comparison)
    except UserError as error:  # with a damaged run there is still a report, without drawings
        comparison.state.failed["Draw the same captions"] = str(error)
        grid = EMPTY_GRID
    if grid.captions:
        write_gallery(grid.rows, grid.captions, workdir / "gallery.png")
    write_report(workdir / "report.html", _report_data(comparison, tables, grid))


def _report_data(comparison: Comparison, tables: list[Table], grid: SampleGrid) -> ReportData:
    workdir = comparison.workdir
    studies = comparison.finished_studies()
    return ReportData(
        state=comparison.state,
        data=describe_data(comparison.folder),
        tables=tables,
        runs=[
            RunHistory(name, TITLES[name], _history(comparison, name)) for name in comparison.runs
        ],
        captions=grid.captions,
        splits=grid.splits,
        samples=grid.rows,
        studied_system=TITLES[comparison.studied_system],
        studies=[read_study(workdir / "studies" / f"{name}.json") for name in studies],
        budgets=describe_budgets(comparison.state),
        machines=runs_by_machine(comparison.state),
    )


def _history(comparison: Comparison, name: str) -> list[dict[str, float]]:
    """The history of a run; of a history that was changed the report says so, and has no curves."""
    try:
        return read_history(comparison.path(name) / "history.csv")
    except UserError as error:
        comparison.state.failed[f"Read the learning curves of {TITLES[name]}"] = str(error)
        return []


def write_tables(comparison: Comparison) -> list[Table]:
    """Write the tables of the evaluated systems, as Markdown and as JSON."""
    workdir = comparison.workdir
    evaluations = {
        system: read_json(workdir / system / EVALUATION, dict[str, Any])
        for system in comparison.evaluated_systems()
    }
    tables = build_tables(evaluations)
    text = tables_markdown(tables, _heading(comparison)).encode()
    write_atomically(workdir / "tables.md", lambda file: file.write(text))
    made = msgspec.to_builtins(comparison.state)
    write_json(workdir / "tables.json", {"made": made, "tables": tables_json(tables)})
    return tables


def read_study(path: Path) -> StudySection:
    """Read a study from its JSON and the figures beside it."""
    study = read_json(path, _StudyFile)
    figures = [(path.parent / name).read_bytes() for name in study.figures]
    return StudySection(study.title, study.text, study.table, figures)


def describe_data(folder: DataFolder) -> Mapping[str, str]:
    """What the report says about the data folder: label -> text."""
    counts = (f"{name} {split.examples:,}" for name, split in folder.manifest.splits.items())
    return {
        "source": folder.manifest.source,
        "folder": str(folder.path),
        "pictures": f"{folder.height} x {folder.width} x {folder.channels}: {', '.join(counts)}",
        "words": f"{len(folder.vocabulary):,}",
        "SHA-256 of the manifest": folder.fingerprint[:16],
    }


def describe_budgets(state: ComparisonState) -> str:
    """How long the systems were trained, in two sentences: the same time is not as many steps.

    >>> state = ComparisonState("d", "f", "scenes", 0, "", [])
    >>> for name, steps in (("align-draw", 1616), ("lapgan", 90)):
    ...     run = state.begin_run(name, "", "")
    ...     run.steps = steps
    ...     run.end(12.0)
    >>> describe_budgets(state)
    'Every system was trained for 12 minutes. Training steps: alignDRAW 1,616, LAPGAN 90.'
    >>> state.runs["lapgan"].end(1.5)
    >>> describe_budgets(state).partition(" Training")[0]
    'The budgets differ: alignDRAW was trained for 12 minutes, LAPGAN for 1.5.'
    """
    runs = {name: run for name, run in state.runs.items() if name in SYSTEMS}
    if not runs:
        return "No system was trained."
    steps = ", ".join(f"{TITLES[name]} {run.steps:,}" for name, run in runs.items())
    return f"{_budgets({name: run.minutes for name, run in runs.items()})} Training steps: {steps}."


def _budgets(minutes: Mapping[str, float]) -> str:
    first, *others = minutes.items()
    if all(budget == first[1] for _, budget in others):
        return f"Every system was trained for {first[1]:g} minutes."
    texts = [f"{TITLES[first[0]]} was trained for {first[1]:g} minutes"]
    texts += [f"{TITLES[name]} for {budget:g}" for name, budget in others]
    return f"The budgets differ: {', '.join(texts)}."


def runs_by_machine(state: ComparisonState) -> list[tuple[list[str], dict[str, str]]]:
    """The machines of the runs, each with its library versions and the titles of its runs."""
    groups: list[tuple[list[str], dict[str, str]]] = []
    for name, run in state.runs.items():
        titles = next((titles for titles, machine in groups if machine == run.machine), None)
        if titles is None:
            groups.append(([TITLES[name]], run.machine))
        else:
            titles.append(TITLES[name])
    return groups


def _sample_grid(comparison: Comparison) -> SampleGrid:
    """The trained systems in the paper's order, then the studied one's drawings sharpened."""
    trained, studied = comparison.trained_runs(), comparison.studied_system
    systems = [name for name in SYSTEMS if name in trained]
    if not systems:
        return EMPTY_GRID
    sharpens = SHARPENER in trained and studied in systems
    return draw_sample_grid(
        comparison.folder,
        [comparison.path(system) for system in systems],
        sharpen=comparison.sharpener_of(studied) if sharpens else None,
        sharpened=systems.index(studied) if sharpens else 0,
        seed=comparison.state.seed,
    )


def _heading(comparison: Comparison) -> str:
    folder = comparison.folder
    return (
        f"Data: {folder.manifest.source}, {folder.split('train').examples:,} training pictures of "
        f"{folder.height}x{folder.width}. {describe_budgets(comparison.state)} In parentheses: "
        "95 % bootstrap intervals over examples, for this training run and this seed."
    )
