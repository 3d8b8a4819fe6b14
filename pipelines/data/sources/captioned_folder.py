"""A user's own pictures: a folder, and a table of their captions.

Several rows with the same file are several captions of that picture. Tables of one folder may
each describe a split, as `train.csv` and `test.csv` do.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pipelines.data.sources.assembly.assemble import Row, RowSource
from pipelines.data.sources.assembly.split_choice import Division, split_named
from pipelines.data.sources.assembly.split_lists import follow_lists
from pipelines.data.sources.notes import Notes
from pipelines.data.sources.tables.columns import WantedColumns
from pipelines.data.sources.tables.read_table import read_rows
from t2i_tf.errors import UserError


class FolderSource(RowSource):
    """Pictures of a folder with captions from tables.

    A `split` column is obeyed; without one, a picture's split is drawn by a seeded hash of its
    name, so that adding pictures moves no other.

    Args:
        root: Folder of the pictures.
        captions: Table of captions, or the tables of several splits by split.
        val, test: Fractions of the pictures in these splits, where the table names no split.
        seed: Seed of the split.
        columns: Columns of the table, where they do not have their usual names.
        division: Replaces `val`, `test` and `seed`.

    Raises:
        UsageError: the fractions leave nothing to train on.
    """

    def __init__(
        self,
        root: str | Path,
        captions: str | Path | Mapping[str, Path],
        *,
        val: float = 0.1,
        test: float = 0.1,
        seed: int = 0,
        columns: WantedColumns | None = None,
        division: Division | None = None,
    ):
        root = Path(root)
        tables = captions if isinstance(captions, Mapping) else {None: Path(captions)}
        self._tables, self._columns, self._pictures = tables, columns or WantedColumns(), root
        bases = [root, *(table.parent for table in tables.values())]
        super().__init__(self._rows, bases, root, division or Division(val, test, seed))

    def _rows(self, notes: Notes) -> Iterable[Row]:
        if not self._pictures.is_dir():
            fault = "is a file" if self._pictures.exists() else "does not exist"
            raise UserError(f"{self._pictures}: expected a folder of pictures, but it {fault}.")
        for split, table in self._tables.items():
            rows = read_rows(table, self._columns, notes, split)
            if table.stem == "metadata" and self._pictures in table.parent.parents:
                rows = within(table.parent.relative_to(self._pictures).as_posix(), rows)
            elif split:
                rows = below_split(self._pictures, split, rows)
            yield from rows if split else follow_lists(rows, table, notes)


def below_split(root: Path, split: str, rows: Iterable[Row]) -> Iterator[Row]:
    """Rows of a split's table, of which the files may lie in a folder called as the split is."""
    folders = [path for path in root.iterdir() if split_named(path.name) == split and path.is_dir()]
    for row in rows:
        inside = next((one.name for one in folders if (one / row.file).is_file()), None)
        is_there = inside is None or (root / row.file).is_file()
        yield row if is_there else replace(row, file=f"{inside}/{row.file}")


def within(folder: str, rows: Iterable[Row]) -> Iterator[Row]:
    """Rows whose names are relative to a subfolder, as Hugging Face's metadata files have them."""
    return (replace(row, file=f"{folder}/{row.file}") for row in rows)
