"""Lists of pictures that say which split each belongs to, as Flickr8k has them.

`Flickr_8k.trainImages.txt`, `Flickr_8k.devImages.txt` and `Flickr_8k.testImages.txt` have the name
of a picture on each line; others are called `train.txt`, and leave out the extension.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pipelines.data.sources.assembly.assemble import Row
from pipelines.data.sources.assembly.picture_lookup import is_picture, normalized
from pipelines.data.sources.assembly.split_choice import LEFT_OUT, SPLIT_NAMES, split_named
from pipelines.data.sources.notes import Notes
from t2i_tf.errors import UserError
from t2i_tf.json_files import read_text_bytes

LISTED = re.compile(
    rf"(?:.*[._-])?({'|'.join(SPLIT_NAMES)})(?:_?(?:images|ids|list))?\.(?:txt|csv|lst)"
)

HEADERS = ("file", "file_name", "filename", "image", "image_name", "image_id", "id", "name")

BY_LAST_PART = "The split lists are followed by the last parts of their names, in any case"
UNCAPTIONED = "Pictures that a split list names but no caption, left out"


def find_lists(folder: Path, besides: Path) -> list[Path]:
    """The split lists of a folder or else of its subfolders, without the table of captions."""
    for pattern in ("*", "*/*"):
        lists = [
            path
            for path in sorted(folder.glob(pattern))
            if path != besides and is_list(path.name) and path.is_file() and lists_pictures(path)
        ]
        if lists:
            return lists
    return []


def is_list(name: str) -> bool:
    """Whether a file is called as a split list is, and is not hidden."""
    return bool(LISTED.fullmatch(name.lower())) and not name.startswith(".")


def lists_pictures(path: Path) -> bool:
    """Whether a file has a single name on its first line."""
    with path.open(errors="replace") as file:
        first = file.readline().strip()
    return bool(first) and not re.search(r"[\t,;|{]| \S+ ", first)


def follow_lists(rows: Iterable[Row], table: Path, notes: Notes) -> Iterator[Row]:
    """Rows with the splits of the lists beside their table, if there are any.

    The split of rows that no list names is `LEFT_OUT`.

    Raises:
        UserError: a picture is in two lists.
    """
    lists = find_lists(table.parent, table)
    rows = list(rows) if lists else rows
    if not lists or any(row.split for row in rows):
        yield from rows
        return
    splits, key = read_lists(lists), _without_extension
    notes.say(f"The splits are those of {', '.join(path.name for path in lists)}")
    if not any(key(row.file) in splits for row in rows):
        splits, key = by_last_part(splits), _last_part
        notes.say(BY_LAST_PART)
    followed = set()
    for row in rows:
        name = key(row.file)
        followed.add(name)
        yield replace(row, split=splits.get(name, LEFT_OUT))
    for name in sorted(splits.keys() - followed):
        notes.count(UNCAPTIONED, name)


def read_lists(lists: Iterable[Path]) -> dict[str, str]:
    """The split of each listed picture, by its name without extension."""
    splits: dict[str, str] = {}
    origin: dict[str, Path] = {}
    for path in lists:
        match = LISTED.fullmatch(path.name.lower())
        split = split_named(match[1]) if match else None
        for name in re.split(r"[\r\n]+", read_text_bytes(path).decode()):
            name = name.strip().strip('"')
            is_header = name.lower() in HEADERS
            name = _without_extension(name)
            if not name or split is None or is_header:
                continue
            if splits.setdefault(name, split) != split:
                raise UserError(
                    f"{name!r} is in two split lists, {origin[name].name} and {path.name}, of"
                    f" {path.parent}. Remove it from one of them."
                )
            origin.setdefault(name, path)
    return splits


def by_last_part(splits: Mapping[str, str]) -> dict[str, str]:
    """The same splits by the last parts of the names; without those that are in two splits."""
    named: dict[str, set[str]] = {}
    for name, split in splits.items():
        named.setdefault(_last_part(name), set()).add(split)
    return {name: found.pop() for name, found in named.items() if len(found) == 1}


def _last_part(name: str) -> str:
    return _without_extension(name).replace("\\", "/").rpartition("/")[2].lower()


def _without_extension(name: str) -> str:
    name = normalized(name)
    return name.rpartition(".")[0] if is_picture(name) else name
