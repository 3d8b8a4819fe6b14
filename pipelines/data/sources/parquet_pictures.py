"""Parquet files that contain the pictures, as img2dataset and Hugging Face's data sets have them.

The captions are read at once, without the pictures' column; the pictures row group by row group,
when they are needed. Needs pyarrow.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipelines.data.sources.assembly.packed_pictures import (
    Packed,
    PackedSource,
    names_of_files,
)
from pipelines.data.sources.assembly.split_choice import Division, split_of_file
from pipelines.data.sources.notes import Notes
from pipelines.data.sources.tables.columns import FILE_COLUMNS, WantedColumns
from pipelines.data.sources.tables.parquet_rows import open_parquet, read_group
from pipelines.data.sources.tables.read_table import row_of

PICTURE_COLUMNS = (*FILE_COLUMNS, "jpg", "jpeg", "png", "webp", "bytes", "image_bytes")

Place = tuple[Path, str, int, int]  # file, column, row group, row in it


class ParquetSource(PackedSource):
    """Pictures and captions of Parquet files.

    Args:
        files: The files; one whose name begins with `train`, `val` or `test` is of that split.
        wanted: Columns that the user named.
        division: How to divide the pictures of other files.
    """

    def __init__(self, files: Sequence[Path], wanted: WantedColumns, division: Division):
        self._files, self._wanted = files, wanted
        facts = {"files": [path.name for path in files]}
        super().__init__(self._pack, read_place, division, facts)

    def _pack(self, notes: Notes) -> Iterable[Packed]:
        for path, name in names_of_files(self._files).items():
            yield from pictures_of_file(path, name, self._wanted, notes)


def picture_column(path: Path, wanted: WantedColumns) -> str | None:
    """The column with the pictures' bytes; None if the file has none."""
    schema = open_parquet(path).schema_arrow  # says what to do without pyarrow
    import pyarrow

    def is_binary(kind: Any) -> bool:
        return pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind)

    for name in (wanted.file,) if wanted.file else PICTURE_COLUMNS:
        if name in schema.names:
            kind = schema.field(name).type
            nested = pyarrow.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
            if nested or is_binary(kind):
                return name
    return None


def pictures_of_file(
    path: Path, name: str, wanted: WantedColumns, notes: Notes
) -> Iterator[Packed]:
    """The pictures of a Parquet file with their captions; UserError if it has no captions."""
    file = open_parquet(path)
    column = picture_column(path, wanted)
    assert column is not None, path
    columns = WantedColumns(column, wanted.captions).choose(file.schema_arrow.names, str(path))
    split = split_of_file(path)
    read = [*columns.captions, *([columns.split] if columns.split else [])]
    number = 0
    for group in range(file.num_row_groups):
        for row, record in enumerate(read_group(file, group, read, path).to_pylist()):
            number += 1
            where = f"{path}, row {number}"
            found = row_of({column: "", **record}, columns, where, notes, split)
            id = f"{name}/{number - 1:06d}"
            yield Packed(id, found.captions, (path, column, group, row), found.split)


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
