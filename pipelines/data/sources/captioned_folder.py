"""A user's own pictures: a folder, and a table of (file, caption).

CSV with a header, or JSONL with an object a line; both with the fields `file` and `caption`, the
file relative to the folder. Several rows of one file are several captions of it.
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
    """Pictures of a folder, captioned by a table, split by a seeded hash of the file's name.

    A picture's split depends on its own name and the seed alone: pictures added later move none.

    Args:
        root: the folder of pictures.
        captions: the table, .csv or .jsonl.
        val, test: fractions of the pictures held back.
        seed: another seed is another division.
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
            raise UsageError(f"val and test must leave some to train on, got {val} and {test}.")
        self.root, self.captions = Path(root), Path(captions)
        self.val, self.test, self.seed = val, test, seed

    def splits(self) -> Mapping[str, list[Example]]:
        """Every split's examples, sorted by file name.

        Raises:
            UserError: for a missing folder, and a table that is missing, empty or malformed.
        """
        if not self.root.is_dir():
            raise UserError(f"{self.root}: expected a folder of pictures.")
        captions: dict[str, list[str]] = {}
        for row in read_rows(self.captions):
            captions.setdefault(row.file, []).append(row.caption)
        splits: dict[str, list[Example]] = {"train": [], "val": [], "test": []}
        for file in sorted(captions):
            example = Example(file, self.root / file, clean_captions(captions[file]))
            splits[self._split_of(file)].append(example)
        return splits

    def facts(self) -> Mapping[str, Any]:
        """How the pictures were divided."""
        return {"seed": self.seed, "val": self.val, "test": self.test}

    def _split_of(self, file: str) -> str:
        digest = hashlib.sha256(f"{self.seed}/{file}".encode()).digest()
        place = int.from_bytes(digest[:8]) / 2**64  # uniform in [0, 1)
        if place < self.test:
            return "test"
        return "val" if place < self.test + self.val else "train"


def read_rows(table: Path) -> list[Row]:
    """All rows of a table, in order.

    Raises:
        UserError: for another kind of file, no rows, not UTF-8, or a row without its fields.
    """
    readers = {".csv": csv_rows, ".jsonl": jsonl_rows}
    if table.suffix.lower() not in readers:
        raise UserError(f"{table}: expected a .csv or .jsonl file.")
    rows = list(readers[table.suffix.lower()](table))
    if not rows:
        raise UserError(f"{table}: no rows of (file, caption).")
    return rows


def csv_rows(table: Path) -> Iterator[Row]:
    """Rows of a CSV file whose header names `file` and `caption`."""
    text = read_text_bytes(table).decode("utf-8-sig")  # spreadsheets begin files with a mark
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
    """Rows of a file with one JSON object a line."""
    for number, line in enumerate(read_text_bytes(table).splitlines(), start=1):
        if line.strip():
            yield decode_json(line, Row, f"{table}, line {number}")
