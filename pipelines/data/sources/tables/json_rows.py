"""JSON and JSONL tables: objects in a list or on lines, or an object from pictures to captions."""

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pipelines.data.sources.coco import CocoCaptions, captions_by_picture, images_by_id
from pipelines.data.sources.notes import Notes
from pipelines.data.sources.tables.columns import CAPTION_COLUMNS, Columns
from t2i_tf.errors import UserError
from t2i_tf.json_files import decode_json, read_json, read_text_bytes

LIST_KEYS = ("data", "images", "annotations", "rows", "examples")  # that may hold the list


class JsonLinesTable:
    """A file with one JSON object on each line; empty lines are skipped.

    Raises:
        UserError: the file cannot be read, or its first object is none.
    """

    def __init__(self, path: Path):
        self.path = path
        self._lines = [
            (number, line)
            for number, line in enumerate(read_text_bytes(path).split(b"\n"), start=1)
            if line.strip()
        ]
        number, line = self._lines[0]
        decode_json(line, dict[str, Any], f"{path}, line {number}")
        self.header = keys_of_lines(line for _, line in self._lines)

    def __str__(self) -> str:
        """What kind of table it is."""
        return "a table in JSON lines"

    def records(self, columns: Columns, notes: Notes) -> Iterator[tuple[int, dict[str, Any]]]:
        """The objects and their lines; UserError if a line holds something else."""
        for number, line in self._lines:
            yield number, decode_json(line, dict[str, Any], f"{self.path}, line {number}")


class JsonTable:
    """A JSON file that lists objects, or maps the names of pictures to captions.

    Raises:
        UserError: the file cannot be read, or holds something else.
    """

    def __init__(self, path: Path):
        self.path = path
        contents = read_json(path, list[dict[str, Any]] | dict[str, Any])
        self._coco = is_coco(contents)
        self._records = [] if self._coco else list_of_objects(contents)
        self.header = ["file", "caption"]
        if self._coco:
            return
        if not self._records:
            raise UserError(
                f"{path}: expected a list of objects with a file and a caption, or an object from"
                " files to captions; found neither."
            )
        self.header = keys_of(self._records)

    def __str__(self) -> str:
        """What kind of table it is."""
        return "a file in COCO's form" if self._coco else "a table in JSON"

    def records(self, columns: Columns, notes: Notes) -> Iterator[tuple[int, dict[str, Any]]]:
        """The objects and their numbers, from 1."""
        if self._coco:
            return enumerate(coco_records(self.path, notes), start=1)
        return enumerate(self._records, start=1)


def keys_of(objects: Iterable[Mapping[str, Any]]) -> list[str]:
    """The keys of all objects, of which the first may lack some, in their first order."""
    return list(dict.fromkeys(itertools.chain.from_iterable(objects)))


def keys_of_lines(lines: Iterable[bytes]) -> list[str]:
    """The keys of the objects on lines; other lines are reported when they are read."""
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])

    def decoded() -> Iterator[dict[str, Any]]:
        for line in lines:
            with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
                yield decoder.decode(line)

    return keys_of(decoded())


def is_in_lines(path: Path) -> bool:
    """Whether a file holds an object on each line, whatever its name promises."""
    first, _, others = read_text_bytes(path).strip().partition(b"\n")
    if path.suffix.lower() != ".json":
        return not first.startswith(b"[")
    if not others.strip():
        return False
    try:
        decode_json(first, dict[str, Any], "")
    except UserError:
        return False
    return True


def is_coco(contents: Any) -> bool:
    """Whether a JSON file lists pictures and captions apart, as COCO's annotations do."""
    lists = (
        [contents.get(key) for key in ("images", "annotations")]
        if isinstance(contents, dict)
        else []
    )
    return len(lists) == 2 and all(isinstance(one, list) for one in lists)


def coco_records(path: Path, notes: Notes) -> Iterator[dict[str, Any]]:
    """The pictures of a file in COCO's form, each with all of its captions.

    Raises:
        UserError: the file has another schema, or two pictures have one id.
    """
    described = read_json(path, CocoCaptions)
    images = images_by_id(described.images, path, notes)
    captions = captions_by_picture(described.annotations, images, path, notes)
    for id, image in images.items():
        yield {"file": image.file_name, "caption": captions[id]}


def list_of_objects(contents: list[dict[str, Any]] | dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a JSON file; [] if it does not hold any."""
    if isinstance(contents, list):
        return contents
    for key in LIST_KEYS:
        rows = contents.get(key)
        if isinstance(rows, list) and rows and all(isinstance(row, Mapping) for row in rows):
            return rows
    if any(name in contents for name in CAPTION_COLUMNS):  # describes one picture, by its own name
        return []
    if all(isinstance(value, str | list) for value in contents.values()):
        return [{"file": file, "caption": value} for file, value in contents.items()]
    if all(isinstance(value, Mapping) for value in contents.values()):
        return [{"file": file, **value} for file, value in contents.items()]
    return []
