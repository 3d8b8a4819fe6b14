"""Parquet tables, by pyarrow, which is installed with `requirements-parquet.txt`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipelines.data.sources.notes import Notes
from pipelines.data.sources.tables.columns import Columns
from t2i_tf.errors import UserError, install_extra


def open_parquet(path: Path) -> Any:
    """A `pyarrow.parquet.ParquetFile`.

    Raises:
        UserError: pyarrow is not installed, or the file is not Parquet.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UserError(
            f"{path}: Parquet files need pyarrow, which is not installed. Install it with"
            f" {install_extra('parquet')}."
        ) from None
    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"{path}: cannot be read as Parquet: {one_line(error)}.") from None


def one_line(error: Exception) -> str:
    """An error's text as one line without a full stop."""
    return " ".join(str(error).split()).rstrip(".")


def read_group(file: Any, group: int, columns: Sequence[str], path: Path) -> Any:
    """Columns of a row group as a `pyarrow.Table`; UserError if the file is damaged."""
    import pyarrow

    try:
        return file.read_row_group(group, columns=list(columns))
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(
            f"{path}: row group {group} cannot be read: {one_line(error)}. Download the file again."
        ) from None


class ParquetTable:
    """A Parquet file whose pictures are files beside it."""

    def __init__(self, path: Path):
        self.path, self._file = path, open_parquet(path)
        self.header = list(self._file.schema_arrow.names)

    def __str__(self) -> str:
        """What kind of table it is."""
        return "a Parquet table"

    def records(self, columns: Columns, notes: Notes) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows and their numbers, from 1; other columns are not read."""
        names = [columns.file, *columns.captions, *([columns.split] if columns.split else [])]
        number = 0
        for group in range(self._file.num_row_groups):
            for record in read_group(self._file, group, names, self.path).to_pylist():
                number += 1
                yield number, record
