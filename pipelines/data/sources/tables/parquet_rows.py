"""Parquet tables, by pyarrow, which is installed with `requirements-parquet.txt`."""

from collections import Counter
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


def column_names(file: Any, path: Path) -> list[str]:
    """The names of all columns; UserError if two have the same."""
    names = list(file.schema_arrow.names)
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise UserError(
            f"{path}: {names.count(repeated[0])} columns are called {repeated[0]!r}. Rename them."
        )
    return names


def text_columns(file: Any) -> list[str]:
    """The names of the columns that hold texts."""
    import pyarrow

    def holds_texts(kind: Any) -> bool:
        kind = kind.value_type if pyarrow.types.is_dictionary(kind) else kind
        is_text = (pyarrow.types.is_string, pyarrow.types.is_large_string)
        return any(is_one(kind) for is_one in is_text)

    return [field.name for field in file.schema_arrow if holds_texts(field.type)]


class ParquetTable:
    """A Parquet file whose pictures are files beside it."""

    def __init__(self, path: Path):
        self.path, self._file = path, open_parquet(path)
        self.header = column_names(self._file, path)

    def __str__(self) -> str:
        """What kind of table it is."""
        return "a Parquet table"

    @property
    def possible_splits(self) -> list[str]:
        """The columns whose cells may name splits."""
        return text_columns(self._file)

    def records(self, columns: Columns, notes: Notes) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows and their numbers, from 1; other columns are not read."""
        number = 0
        for group in range(self._file.num_row_groups):
            for record in read_group(self._file, group, columns.names, self.path).to_pylist():
                number += 1
                yield number, record
