"""CSV, TSV and their kin: commas, tabs, semicolons or bars, with a header or without one."""

import csv
import io
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipelines.data.sources.assembly.picture_lookup import is_picture
from pipelines.data.sources.notes import Notes
from pipelines.data.sources.tables.columns import Columns, WantedColumns
from t2i_tf.errors import UserError
from t2i_tf.json_files import read_text_bytes

DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}

HEADERLESS = ("file", "caption")  # columns of a table whose first line is a row

REJOINED = "Captions with delimiters that no quotes enclose, read whole"
UNQUOTED = "Rows with spaces before their double quotes, read as if there were none"
UNDIVIDED = "Rows with a missing delimiter between a number and the caption, divided there"

QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"?')  # to the end, if the quote is never closed
LINE_BREAK = re.compile(r"\r\n|\r|\n")
# Blank lines, and Excel's line with the delimiter.
BEFORE_HEADER = re.compile(r'(?:[ \t]*[\r\n]+)*(?:"?sep=."?[\r\n]+)?')

Record = tuple[int, dict[str, Any]]  # line, from 1, and cells by column


class DelimitedTable:
    """A table of text.

    Args:
        path: The file, UTF-8.
        wanted: Columns that the user named.

    Raises:
        UserError: the file cannot be read or is empty.
    """

    def __init__(self, path: Path, wanted: WantedColumns):
        self.path = path
        csv.field_size_limit(sys.maxsize)
        self._text = read_text_bytes(path).decode()
        before = BEFORE_HEADER.match(self._text)
        self._begin = before.end() if before else 0
        first = self._text[self._begin :].splitlines()[0]
        self.delimiter = choose_delimiter(first, path.suffix, wanted)
        cells = [cell.strip() for cell in next(csv.reader([first], delimiter=self.delimiter), [])]
        self.has_header = not (len(cells) > 1 and is_picture(cells[0]))
        self.header = column_names(cells) if self.has_header else list(HEADERLESS)

    def __str__(self) -> str:
        """What kind of table it is."""
        return f"a table with {DELIMITERS[self.delimiter]} between its columns"

    def records(self, columns: Columns, notes: Notes) -> Iterator[Record]:
        """The rows, with the line on which each begins.

        Raises:
            UserError: a row is malformed, or lacks its file or its caption.
        """
        if not self.has_header:
            notes.say(
                f"{self.path.name} has no header: its first column is read as the pictures,"
                " its second as the captions"
            )
        for number, (line, cells) in enumerate(self._lines(self.header.index(columns.file))):
            if not any(cell.strip() for cell in cells) or (self.has_header and number == 0):
                continue
            where = f"{self.path}, line {line}"
            yield line, self._cells_by_column(cells, columns, where, notes)

    def _lines(self, file_at: int) -> Iterator[tuple[int, list[str]]]:
        text = self._text[self._begin :]
        skipped = len(LINE_BREAK.findall(self._text[: self._begin]))
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter, strict=True)
        while True:
            begun = reader.line_num
            line = skipped + begun + 1
            try:
                cells = next(reader)
                swallowed = swallowed_row(cells, self.delimiter, file_at)
            except StopIteration:
                return
            except csv.Error as error:
                quotes = dict(opened_quotes(from_line(text, begun), self.delimiter))
                opened = max(quotes.values(), default=0)
                where = f"{self.path}, line {line + opened}"
                raise UserError(f"{where}: {explain(error)}") from None
            if swallowed:
                quotes = dict(opened_quotes(from_line(text, begun), self.delimiter))
                raise UserError(
                    f"{self.path}, line {line + quotes.get(swallowed[0], 0)}: a double quote is"
                    f" opened here and not closed before the row of {swallowed[1]}. Close it, or"
                    " remove it."
                )
            yield line, cells

    def _cells_by_column(
        self, cells: list[str], columns: Columns, where: str, notes: Notes
    ) -> dict[str, Any]:
        header, last = self.header, self.header[-1]
        quoted = read_behind_spaces(cells, self.delimiter, len(header))
        if quoted:
            notes.count(UNQUOTED, where)
            cells = quoted
        while len(cells) > len(header) and not cells[-1].strip():
            cells = cells[:-1]  # spreadsheets write empty cells at the end
        if len(cells) > len(header):
            if columns.captions != (last,):
                raise UserError(
                    f"{where}: {len(cells)} cells, but the header has {len(header)}. Enclose"
                    f" captions that contain {DELIMITERS[self.delimiter]} in double quotes."
                )
            notes.count(REJOINED, where)
            whole = self.delimiter.join(cells[len(header) - 1 :])
            cells = [*cells[: len(header) - 1], whole]
        if len(cells) == len(header) - 1 and columns.captions == (last,):
            cells = divide_number_and_caption(cells, where, notes)
        record = dict(zip(header, cells, strict=False))
        if not record.get(columns.file, "").strip() or not record.keys() & {*columns.captions}:
            raise UserError(f"{where}: expected a file and a caption.")
        return record


def choose_delimiter(first: str, suffix: str, wanted: WantedColumns) -> str:
    """The delimiter with which the first line of a table has the columns that are needed."""
    usual = "\t" if suffix.lower() in (".tsv", ".tab") else ","
    ranked = sorted(DELIMITERS, key=lambda one: (one != usual, -first.count(one)))
    for delimiter in ranked:
        cells = next(csv.reader([first], delimiter=delimiter), [])
        if wanted.fits([cell.strip() for cell in cells]):
            return delimiter
    for delimiter in ranked:
        if is_picture(first.split(delimiter)[0].strip()) and delimiter in first:
            return delimiter
    return max(ranked, key=first.count) if any(one in first for one in ranked) else usual


def column_names(cells: Sequence[str]) -> list[str]:
    """The cells of a header as names: a repeated one is numbered, as pandas does; none is empty.

    Spreadsheets write empty cells at the end, under which a caption with delimiters would go on.
    """
    named = list(cells)
    while named and not named[-1]:
        named.pop()
    seen: Counter[str] = Counter()
    names = []
    for name in named:
        repeated = seen[name.lower()]
        seen[name.lower()] += 1
        names.append(f"{name}.{repeated}" if name and repeated else name)
    return names


def read_behind_spaces(cells: Sequence[str], delimiter: str, columns: int) -> list[str] | None:
    """The cells of a row such as `p.jpg, "a dog, asleep"`; None if it has no quotes behind spaces.

    A caption may begin with a quotation, behind which it goes on: then it has none.
    """
    if not any(cell[:1] == " " and cell.lstrip(" ")[:1] == '"' for cell in cells):
        return None
    reader = csv.reader(
        [delimiter.join(cells)], delimiter=delimiter, skipinitialspace=True, strict=True
    )
    try:
        read = next(reader)
    except (csv.Error, StopIteration):
        return None
    return read if len(read) == columns else None


def divide_number_and_caption(cells: list[str], where: str, notes: Notes) -> list[str]:
    """Repairs `p.jpg| 4   A dog runs`, a row of Flickr30k's table, as `p.jpg| 4| A dog runs`."""
    numbered = re.fullmatch(r"\s*(\d+)\s+(\S.*)", cells[-1], re.DOTALL) if cells[1:] else None
    if not numbered:
        return cells
    notes.count(UNDIVIDED, where)
    return [*cells[:-1], *numbered.groups()]


def explain(error: csv.Error) -> str:
    """Why a line is not CSV, in plain words."""
    if "unexpected end of data" in str(error):
        return "a double quote is opened here and never closed. Close it, or remove it."
    return f'not CSV: {error}. A quote within a caption is written twice, as in "".'


def swallowed_row(cells: Sequence[str], delimiter: str, file_at: int) -> tuple[int, str] | None:
    """The number of the cell that contains what looks like further rows, and their first file.

    Args:
        cells: A row.
        delimiter: What is between the columns.
        file_at: The column of the pictures. Names without an extension are known by their form:
            that of the row's own name, but with other digits.
    """
    own = without_digits(cells[file_at]) if file_at < len(cells) else None
    for number, cell in enumerate(cells):
        lines = cell.splitlines()
        for line in lines if len(lines) > 1 else []:
            parts = [part.strip() for part in line.split(delimiter)]
            named = parts[0 if file_at == 0 else -1]
            alike = [named] if own and without_digits(named) == own else []
            pictures = [*filter(is_picture, parts), *alike] if len(parts) > 1 else []
            if pictures:
                return number, pictures[0]
    return None


def without_digits(name: str) -> str | None:
    """A name with # for each number in it; None if it has none."""
    form = re.sub(r"\d+", "#", name.strip())
    return form if "#" in form else None


def from_line(text: str, line: int) -> str:
    """A text without its first lines, which end as those of a csv reader do."""
    return "".join(io.StringIO(text, newline="").readlines()[line:])


def opened_quotes(text: str, delimiter: str) -> Iterator[tuple[int, int]]:
    """The cells of the first row that open a double quote, and the line, from 0, of each quote."""
    plain = re.compile(f"[^{re.escape(delimiter)}\r\n]*")
    position = line = cell = 0
    while position < len(text):
        quoted = QUOTED.match(text, position)
        if quoted:
            yield cell, line
            line += len(LINE_BREAK.findall(quoted[0]))
            position = quoted.end()
        unquoted = plain.match(text, position)
        position = unquoted.end() if unquoted else len(text)
        if text[position : position + 1] != delimiter:
            return
        position, cell = position + 1, cell + 1
