"""Parquet files that contain the pictures, as img2dataset and Hugging Face's data sets have them.

The captions are read at once, without the pictures' column; the pictures row group by row group,
when they are needed. Needs pyarrow.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipelines.data.sources.assembly.packed_pictures import (
    Packed,
    PackedSource,
    names_of_files,
)
from pipelines.data.sources.assembly.split_choice import Division, splits_of_files
from pipelines.data.sources.notes import Notes
from pipelines.data.sources.tables.columns import FILE_COLUMNS, Columns, WantedColumns
from pipelines.data.sources.tables.parquet_rows import (
    column_names,
    open_parquet,
    read_group,
    text_columns,
)
from pipelines.data.sources.tables.read_table import note_other_columns, row_of
from pipelines.data.sources.tables.split_cells import (
    SPLITS_BY_CELLS,
    column_of_splits,
    sentence_on_flags,
)

PICTURE_COLUMNS = (*FILE_COLUMNS, "jpg", "jpeg", "png", "webp", "bytes", "image_bytes")

STATUS, SUCCESS = "status", "success"  # img2dataset keeps rows without a picture
FAILED = "Rows of pictures that could not be downloaded, left out"

Place = tuple[Path, str, int, int]  # file, column, row group, row in it


class ParquetSource(PackedSource):
    """Pictures and captions of Parquet files.

    Args:
        files: The files; their names may tell the splits, see `splits_of_files`.
        wanted: Columns that the user named.
        division: How to divide the pictures of other files.
    """

    def __init__(self, files: Sequence[Path], wanted: WantedColumns, division: Division):
        self._files, self._wanted = files, wanted
        facts = {"files": [path.name for path in files]}
        super().__init__(self._pack, read_place, division, facts)

    def _pack(self, notes: Notes) -> Iterable[Packed]:
        splits = splits_of_files(self._files)
        for path, name in names_of_files(self._files).items():
            yield from pictures_of_file(path, name, splits[path], self._wanted, notes)


def picture_column(path: Path, wanted: WantedColumns) -> str | None:
    """The column with the pictures' bytes; None if the file has none."""
    schema = open_parquet(path).schema_arrow  # says what to do without pyarrow
    import pyarrow

    def is_binary(kind: Any) -> bool:
        kinds = (pyarrow.types.is_binary, pyarrow.types.is_large_binary, is_binary_view)
        return any(is_one(kind) for is_one in kinds)

    def is_binary_view(kind: Any) -> bool:
        return str(kind) == "binary_view"

    for name in (wanted.file,) if wanted.file else PICTURE_COLUMNS:
        if name in schema.names:
            kind = schema.field(name).type
            nested = pyarrow.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
            if nested or is_binary(kind):
                return name
    return None


def pictures_of_file(
    path: Path, name: str, split: str | None, wanted: WantedColumns, notes: Notes
) -> Iterator[Packed]:
    """The pictures of a Parquet file with their captions; UserError if it has no captions."""
    file = open_parquet(path)
    column = picture_column(path, wanted)
    assert column is not None, path
    header = column_names(file, path)
    columns = WantedColumns(column, wanted.captions).choose(header, str(path))
    status = STATUS if STATUS in header and STATUS not in columns.names else None
    by_cells = None if columns.split else split_by_cells(file, path, columns, notes)
    if by_cells:
        columns = replace(columns, split=by_cells, flags={})
    if columns.flags:
        notes.say(sentence_on_flags(columns.flags))
    read = [*columns.names[1:], *([status] if status else [])]
    note_other_columns([one for one in header if one != status], columns, path.name, notes)
    number = 0
    for group in range(file.num_row_groups):
        for row, record in enumerate(read_group(file, group, read, path).to_pylist()):
            number += 1
            where = f"{path}, row {number}"
            if status and record[status] not in (None, SUCCESS):
                notes.count(FAILED, where)
                continue
            found = row_of({column: "", **record}, columns, where, notes, split)
            id = f"{name}/{number - 1:06d}"
            yield Packed(id, found.captions, (path, column, group, row), found.split)


def split_by_cells(file: Any, path: Path, columns: Columns, notes: Notes) -> str | None:
    """The column that names splits, known by its cells; None if there is none."""
    names = [name for name in text_columns(file) if name not in columns.names]
    groups = range(file.num_row_groups) if names else ()
    records = (
        record for group in groups for record in read_group(file, group, names, path).to_pylist()
    )
    split = column_of_splits(names, records)
    if split:
        notes.say(SPLITS_BY_CELLS.format(repr(split)))
    return split


def read_place(place: Place) -> bytes | Path:
    """The bytes of a picture, or the file that stands in their place; b"" if there is neither."""
    path, column, group, row = place
    cell = row_group(path, column, group)[row].as_py()
    if not isinstance(cell, dict):
        return cell or b""
    if not cell.get("bytes") and cell.get("path"):
        return path.parent / cell["path"]
    return cell.get("bytes") or b""


@lru_cache(maxsize=1)
def row_group(path: Path, column: str, group: int) -> Any:
    """The pictures of one row group; the last one stays in memory."""
    return read_group(open_parquet(path), group, [column], path).column(column)
