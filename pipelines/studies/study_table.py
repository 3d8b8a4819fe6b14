"""The table of a study in a terminal of any width: no header and no number is cut."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table

from pipelines.evaluation.estimate import in_digits

NAME_WIDTH = 24  # characters that the first column may be wrapped to
_EDGES = 2  # spaces at the left and the right of a table

Rows = Sequence[Mapping[str, Any]]


class StudyTable:
    """A table that breaks into several where the terminal is too narrow for all columns.

    Each of them repeats the first column, which names the rows and is wrapped; headers are wrapped
    between words.

    Args:
        title: Title above the table.
        rows: Texts, numbers and None by the name of their column; a row may lack columns.
    """

    def __init__(self, title: str, rows: Rows):
        self.title, self.rows = title, rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The tables that fit into the width of the console."""
        title = self.title
        for names in self._parts(options.max_width):
            yield self._table(title, names)
            title = ""

    def _parts(self, width: int) -> Iterator[list[str]]:
        """The columns of each table."""
        first, *others = dict.fromkeys(name for row in self.rows for name in row)
        first_width = min(self._width(first), NAME_WIDTH)
        part, used = [first], first_width + _EDGES
        for name in others:
            needed = self._width(name) + 1  # and the space between columns
            if len(part) > 1 and used + needed > width:
                yield part
                part, used = [first], first_width + _EDGES
            part.append(name)
            used += needed
        yield part

    def _width(self, name: str) -> int:
        """The width that a column needs: its longest value, or the longest word of its header."""
        values = (len(cell_text(row.get(name))) for row in self.rows)
        return max(*map(len, name.split()), *values)

    def _table(self, title: str, names: Sequence[str]) -> Table:
        first, *others = names
        columns = [Column(first, overflow="fold")]
        columns += [Column(name, width=self._width(name)) for name in others]
        table = Table(*columns, title=title, title_justify="left", box=SIMPLE_HEAD, padding=0)
        for row in self.rows:
            table.add_row(*(cell_text(row.get(name)) for name in names))
        return table


def cell_text(value: str | float | None) -> str:
    """A value as the table shows it: numbers with three decimals, - for None."""
    if value is None:
        return "-"
    return value if isinstance(value, str) else in_digits("{:.3f}", value)
