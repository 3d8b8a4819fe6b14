"""A user's own pictures: a folder, and a table of (file, caption).

The table is CSV with a header, or JSONL with an object per line. Its fields are `file`, relative to
the folder, and `caption`. Several rows with the same file are several captions of that picture.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pipelines.data.sources.coco import clean_captions
from pipelines.data.sources.example import Example
from t2i_tf.errors import UsageError, UserError
from t2i_tf.json_files import decode_json, read_text_bytes


class Row(msgspec.Struct):
    """One caption of one picture."""

    file: str
    caption: str


class FolderSource:
    """Pictures of a folder with captions from a table, split by a seeded hash of the file name.

    A picture's split depends on its name and the seed alone: adding pictures moves no other.

    Args:
        root: Folder of the pictures.
        captions: Table of captions, .csv or .jsonl.
        val, test: Fractions of the pictures in these splits.
        seed: Seed of the split.

    Raises:
        UsageError: the fractions leave nothing to train on.
    """

    name = "folder"

    def __init__(
        self,
        root: str | Path,
        captions: str | Path,
        *,
        val: float = 0.1,
        test: float = 0.1,
        seed: int = 0,
    ):
        if min(val, test) < 0 or val + test >= 1:
            raise UsageError(
                f"val and test must leave some pictures to train on, got {val} and {test}."
            )
        self.root, self.captions = Path(root), Path(captions)
        self.val, self.test, self.seed = val, test, seed

    def splits(self) -> Mapping[str, list[Example]]:
        """The examples of every split, sorted by file name.

        Raises:
            UserError: the folder is missing, or the table is missing, empty or malformed.
        """
        if not self.root.is_dir():
            raise UserError(f"{self.root}: expected a folder of pictures, but it does not exist.")
        captions: dict[str, list[str]] = {}
        for row in read_rows(self.captions):
            captions.setdefault(row.file, []).append(row.caption)
        splits: dict[str, list[Example]] = {"train": [], "val": [], "test": []}
        for file in sorted(captions):
            example = Example(file, self.root / file, clean_captions(captions[file]))
            splits[self._split_of(file)].append(example)
        return splits

    def facts(self) -> Mapping[str, Any]:
        """How the pictures were split."""
        return {"seed": self.seed, "val": self.val, "test": self.test}

    def _split_of(self, file: str) -> str:
        digest = hashlib.sha256(f"{self.seed}/{file}".encode()).digest()
        uniform = int.from_bytes(digest[:8]) / 2**64  # in [0, 1)
        if uniform < self.test:
            return "test"
        return "val" if uniform < self.test + self.val else "train"


def read_rows(table: Path) -> list[Row]:
    """All rows of a table, in order.

    Raises:
        UserError: the file has another type, no rows, or is not UTF-8, or a row lacks a field.
    """
    readers = {".csv": csv_rows, ".jsonl": jsonl_rows}
    if table.suffix.lower() not in readers:
        raise UserError(f"{table}: expected a .csv or .jsonl file.")
    rows = list(readers[table.suffix.lower()](table))
    if not rows:
        raise UserError(f"{table}: expected rows of file and caption, found no rows.")
    return rows


def csv_rows(table: Path) -> Iterator[Row]:
    """Rows of a CSV file whose header names `file` and `caption`."""
    text = read_text_bytes(table).decode("utf-8-sig")  # spreadsheets write a byte order mark
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = {"file", "caption"} - set(reader.fieldnames or ())
        if missing:
            raise UserError(
                f"{table}: expected a header with `file` and `caption`,"
                f" found {', '.join(reader.fieldnames or ())}."
            )
        for row in reader:
            if not row["file"] or row["caption"] is None:
                raise UserError(f"{table}, line {reader.line_num}: expected a file and a caption.")
            yield Row(row["file"], row["caption"])
    except csv.Error as error:
        raise UserError(f"{table}, line {reader.line_num}: not CSV: {error}.") from None


def jsonl_rows(table: Path) -> Iterator[Row]:
    """Rows of a file with one JSON object per line."""
    for number, line in enumerate(read_text_bytes(table).splitlines(), start=1):
        if line.strip():
            yield decode_json(line, Row, f"{table}, line {number}")
