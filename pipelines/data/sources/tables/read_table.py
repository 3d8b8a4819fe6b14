"""A table of captions, of any format, as rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from pipelines.data.sources.assembly.assemble import Row
from pipelines.data.sources.notes import NAMED, Notes
from pipelines.data.sources.tables.caption_cells import captions_in_cell, json_type
from pipelines.data.sources.tables.columns import Columns, WantedColumns
from pipelines.data.sources.tables.delimited_rows import DelimitedTable
from pipelines.data.sources.tables.json_rows import JsonLinesTable, JsonTable, is_in_lines
from pipelines.data.sources.tables.parquet_rows import ParquetTable
from pipelines.data.sources.tables.split_cells import (
    SPLITS_BY_CELLS,
    column_of_splits,
    sentence_on_flags,
    split_by_flags,
    split_in_cell,
)
from t2i_tf.errors import UserError

TABLE_EXTENSIONS = (".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".json", ".parquet")


class Table(Protocol):
    """A table: its file, its columns, and its records with their lines or numbers."""

    path: Path
    header: list[str]

    def records(self, columns: Columns, notes: Notes) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows, by column, each with its line or number from 1."""
        ...


def open_table(path: Path, wanted: WantedColumns) -> Table:
    """The table in a file.

    Raises:
        UserError: the file has another type, is empty or malformed, or cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".tab", ".txt"):
        return DelimitedTable(path, wanted)
    if suffix in (".jsonl", ".ndjson", ".json"):
        return JsonLinesTable(path) if is_in_lines(path) else JsonTable(path)
    if suffix == ".parquet":
        return ParquetTable(path)
    raise UserError(
        f"{path}: expected a .csv or .jsonl file (or one of"
        f" {', '.join(one for one in TABLE_EXTENSIONS if one not in ('.csv', '.jsonl'))})."
    )


def read_rows(
    path: Path, wanted: WantedColumns, notes: Notes, split: str | None = None
) -> Iterator[Row]:
    """The rows of a table, in order.

    Args:
        path: The file.
        wanted: Columns that the user named.
        notes: Where changes are counted.
        split: The split of all rows, unless a column has it; None if it is not known.

    Raises:
        UserError: the table is malformed or has no rows, or lacks a column.
    """
    table = open_table(path, wanted)
    columns = wanted.choose(table.header, str(path))
    columns = with_split(table, columns, notes)
    if columns.flags:
        notes.say(sentence_on_flags(columns.flags))
    note_other_columns(table.header, columns, path.name, notes)
    found = False
    for line, record in table.records(columns, notes):
        found = True
        where = f"{path}, {'row' if isinstance(table, JsonTable | ParquetTable) else 'line'} {line}"
        yield row_of(record, columns, where, notes, split)
    if not found:
        raise UserError(f"{path}: expected rows of file and caption, found no rows.")


def with_split(table: Table, columns: Columns, notes: Notes) -> Columns:
    """The columns of a table, with that of the splits if it is known by its cells alone."""
    others = [name for name in table.header if name and name not in columns.names]
    if isinstance(table, ParquetTable):
        others = [name for name in others if name in table.possible_splits]
    if columns.split or not others:
        return columns
    records = table.records(replace(columns, others=tuple(others)), Notes())
    split = column_of_splits(others, (record for _, record in records))
    if split:
        notes.say(SPLITS_BY_CELLS.format(repr(split)))
        return replace(columns, split=split, flags={})
    return columns


def note_other_columns(header: Sequence[str], columns: Columns, where: str, notes: Notes) -> None:
    """Says which columns of a table are not read."""
    others = [name for name in header if name and name not in columns.names]
    more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
    if others:
        names = ", ".join(repr(name) for name in others[:NAMED])
        notes.say(f"Columns of {where} that are not read: {names}{more}")


def row_of(
    record: Mapping[str, Any], columns: Columns, where: str, notes: Notes, split: str | None
) -> Row:
    """A record as a row; UserError if it lacks its file or captions."""
    file = record.get(columns.file)
    if file is not None and not isinstance(file, str):
        raise UserError(
            f"{where}: wrong schema: Expected `str`, got `{json_type(file)}` - at"
            f" `$.{columns.file}`."
        )
    if file is None or not any(name in record for name in columns.captions):
        missing = columns.file if file is None else columns.captions[0]
        raise UserError(
            f"{where}: expected a file and a caption: the field `{missing}` is missing."
        )
    captions = [
        caption
        for name in columns.captions
        for caption in captions_in_cell(record.get(name), where, name, notes)
    ]
    if columns.split:
        split = split_in_cell(record.get(columns.split)) or split
    elif columns.flags:
        split = split_by_flags(record, columns.flags) or split
    return Row(file, tuple(captions), where, split)
