"""The tables of a comparison: each system's results beside the paper's, in the paper's order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipelines.comparison import paper_results
from pipelines.comparison.paper_results import PAPER_SYSTEMS, SYSTEMS, Reported
from pipelines.comparison.table_layout import (
    TEXTS,
    Column,
    Evaluation,
    layout,
    note,
    value_at,
)
from pipelines.evaluation.retrieval.paired_difference import add_paired_differences

REFERENCE = "real"  # the `system` of the last row
ORACLE, REAL_PICTURES = "oracle upper bound", "real pictures"  # titles of the last row
_REFERENCE_TITLES = {"retrieval": ORACLE, "held_out": ORACLE}
_PAPER = {"retrieval": paper_results.RETRIEVAL, "bound": paper_results.BOUNDS}


@dataclass(frozen=True)
class Cell:
    """A result and the paper's value, each None where it is missing."""

    value: float | None = None
    low: float | None = None  # ends of the 95 % interval
    high: float | None = None
    spread: float | None = None  # standard deviation over the examples that the value averages
    paper: Reported | None = None


@dataclass(frozen=True)
class Row:
    """A system's cells, one per column."""

    system: str
    title: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A table of a comparison."""

    name: str
    title: str
    note: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def in_paper(self, column: int) -> bool:
        """Whether the paper reports a value for a column."""
        return any(row.cells[column].paper for row in self.rows)


def build_tables(evaluations: Mapping[str, Evaluation]) -> list[Table]:
    """The paper's two tables, then those of what the paper does not report.

    Args:
        evaluations: evaluations by the names of `SYSTEMS`; for a system without one, the tables
            have only the paper's values.
    """
    evaluations = add_paired_differences(evaluations)
    tables = [_table(name, columns, evaluations) for name, columns in layout(evaluations)]
    return [table for table in tables if table.rows]


def _table(name: str, columns: tuple[Column, ...], evaluations: Mapping[str, Evaluation]) -> Table:
    rows = tuple(_system_rows(columns, evaluations, _PAPER.get(name)))
    title = _REFERENCE_TITLES.get(name, REAL_PICTURES)
    reference = _reference_row(title, columns, evaluations.values())
    if rows and any(cell.value is not None for cell in reference.cells):
        rows = (*rows, reference)
    return Table(name, TEXTS[name][0], note(name, columns), columns, rows)


def _system_rows(
    columns: Sequence[Column],
    evaluations: Mapping[str, Evaluation],
    reported: Mapping[str, Mapping[str, Reported]] | None,
) -> Iterator[Row]:
    """Rows of the paper's systems where it reports values, and of others with a value."""
    for system, title in SYSTEMS.items():
        of_paper = (reported or {}).get(system, {})
        evaluation = evaluations.get(system, {})
        cells = tuple(_cell(column, evaluation, of_paper.get(column.key)) for column in columns)
        in_paper = reported is not None and system in PAPER_SYSTEMS
        if in_paper or any(cell.value is not None for cell in cells):
            yield Row(system, title, cells)


def _cell(column: Column, evaluation: Evaluation, reported: Reported | None) -> Cell:
    estimate = value_at(evaluation, column.keys)
    spread = value_at(evaluation, column.spread) if column.spread else None
    if estimate is None:
        return Cell(paper=reported)
    return Cell(
        estimate["value"],
        estimate["low"],
        estimate["high"],
        spread["value"] if spread else None,
        reported,
    )


def _reference_row(title: str, columns: Sequence[Column], evaluations: Iterable[Evaluation]) -> Row:
    """The values of real pictures or of an oracle: the same for all systems, so the first ones."""
    evaluations = list(evaluations)
    cells = []
    for column in columns:
        estimates = (value_at(one, column.reference) for one in evaluations if column.reference)
        estimate = next(filter(None, estimates), None)
        cells.append(
            Cell(estimate["value"], estimate["low"], estimate["high"]) if estimate else Cell()
        )
    return Row(REFERENCE, title, tuple(cells))
