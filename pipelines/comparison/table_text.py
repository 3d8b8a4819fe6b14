"""The tables of a comparison as text: their cells, Markdown and JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pipelines.comparison import paper_results
from pipelines.comparison.paper_results import Reported
from pipelines.comparison.table_layout import DASH, Column
from pipelines.comparison.tables import Cell, Table


def value_text(column: Column, cell: Cell | Reported | None) -> str:
    """The value with its spread; a dash if there is none."""
    if cell is None or cell.value is None:
        return DASH
    spread = "" if cell.spread is None else f" ± {column.text(cell.spread)}"
    return column.text(cell.value) + spread


def interval_text(column: Column, cell: Cell) -> str:
    """The 95 % interval; empty if there is none."""
    if cell.low is None or cell.high is None:
        return ""
    return f"{column.text(cell.low)} to {column.text(cell.high)}"


def tables_markdown(tables: Sequence[Table], heading: str) -> str:
    """All tables as Markdown: values, 95 % intervals, and the paper's values beside them."""
    lines = [line for table in tables for line in _markdown(table)]
    source = f"The paper's values are for {paper_results.DATA}. {paper_results.SOURCES}"
    return "\n".join([heading, "", *lines, source, ""])


def _markdown(table: Table) -> Iterator[str]:
    in_paper = [table.in_paper(k) for k in range(len(table.columns))]
    headers = ["system"]
    for column, paper in zip(table.columns, in_paper, strict=True):
        headers += [column.title, "paper"] if paper else [column.title]
    yield f"### {table.title}"
    yield ""
    yield f"| {' | '.join(headers)} |"
    yield "|---" * len(headers) + "|"
    for row in table.rows:
        texts = [row.title]
        for column, cell, paper in zip(table.columns, row.cells, in_paper, strict=True):
            interval = interval_text(column, cell)
            texts.append(value_text(column, cell) + (f" ({interval})" if interval else ""))
            texts += [value_text(column, cell.paper)] if paper else []
        yield f"| {' | '.join(texts)} |"
    yield ""
    yield table.note
    yield ""


def tables_json(tables: Sequence[Table]) -> list[dict[str, Any]]:
    """All tables as plain values, neither rounded nor scaled; null where there is no value."""
    return [
        {
            "name": table.name,
            "title": table.title,
            "columns": {column.key: column.title for column in table.columns},
            "rows": [
                {
                    "system": row.system,
                    "title": row.title,
                    "figures": {
                        column.key: _cell_json(cell)
                        for column, cell in zip(table.columns, row.cells, strict=True)
                    },
                }
                for row in table.rows
            ],
        }
        for table in tables
    ]


def _cell_json(cell: Cell) -> dict[str, Any] | None:
    if cell == Cell():
        return None
    return asdict(cell) | {"paper": cell.paper._asdict() if cell.paper else None}
