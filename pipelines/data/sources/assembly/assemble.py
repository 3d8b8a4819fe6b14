"""Rows of (file, captions, split) become the examples of each split.

All rows of a picture are its captions, under whatever names they give it: `p.jpg`, `./p.jpg` or a
link to it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipelines.data.sources.assembly.caption_text import clean_captions
from pipelines.data.sources.assembly.copies import find_copies
from pipelines.data.sources.assembly.picture_lookup import PictureLookup, normalized
from pipelines.data.sources.assembly.split_choice import (
    LEFT_OUT,
    Division,
    add_validation,
    divide,
    note_replaced,
    refuse_unfit_splits,
    splits_of_folders,
)
from pipelines.data.sources.example import Example
from pipelines.data.sources.notes import Notes, printable
from t2i_tf.errors import UserError

SEVERAL_NAMES = "Pictures with a second name in the table, taken as one picture"

UNLISTED = "Pictures that no split list names, left out"
UNLISTED_MISSING = "Pictures that no split list names and that do not exist"


@dataclass(frozen=True)
class Row:
    """Captions of one picture, as a data set lists them.

    Args:
        file: Name of the picture.
        captions: Its captions, as they are written.
        where: Place of the row, for errors: a file and a line.
        split: The split that the data set gives it; None if it gives none.
        id: The picture's id; by default its name.
    """

    file: str
    captions: tuple[str, ...]
    where: str
    split: str | None = None
    id: str | None = None


@dataclass
class _Entry:
    id: str
    path: Path
    row: Row
    split: str | None = None
    captions: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


class RowSource:
    """A source whose rows are read from files.

    Args:
        read: Returns the rows; it may count what it changes in the notes.
        bases: Folders that the names may be relative to, the likeliest first.
        root: Folder below which pictures are searched.
        division: How to divide pictures without a split.
        name: Name of the source in the manifest.
        facts: What the manifest should keep besides.
        ordered: Whether the order of the rows is kept; by default they are sorted by id.
    """

    def __init__(
        self,
        read: Callable[[Notes], Iterable[Row]],
        bases: Iterable[Path],
        root: Path,
        division: Division,
        *,
        name: str = "folder",
        facts: Mapping[str, Any] | None = None,
        ordered: bool = False,
    ):
        self.name, self.notes = name, Notes()
        self._read, self._bases, self._root = read, list(bases), root
        self._division, self._facts, self._ordered = division, dict(facts or {}), ordered
        self._splits_are_given = False

    def splits(self) -> Mapping[str, list[Example]]:
        """The examples of every split, sorted by name.

        Raises:
            UserError: a file is missing or malformed, or the rows contradict each other.
        """
        self.notes.clear()
        lookup = PictureLookup(self._bases, self._root, self.notes)
        rows = self._read(self.notes)
        if self._division.replaces:
            rows = without_splits(rows, self.notes)
        entries = merge(rows, lookup, self.notes)
        if not self._ordered:
            entries.sort(key=lambda entry: entry.id)
        if not self._division.replaces:
            entries = without_left_out(entries, self.notes)
            follow_folders(entries, self._root, self.notes)
        given = [entry for entry in entries if entry.split]
        self._splits_are_given = bool(given)
        copies = find_copies({one.id: one.path for one in left_to_chance(entries)}, self.notes)
        if self._splits_are_given:
            named = ((f"{one.row.where}: {one.row.file!r}", one.split) for one in entries)
            refuse_unfit_splits(named, repr(given[0].row.file), given[0].split)
            chosen = {entry.id: entry.split or "" for entry in entries}
        else:
            chosen = divide((one.id for one in entries), self._division, self.notes, copies)
        splits: dict[str, list[Example]] = {"train": [], "val": [], "test": []}
        for entry in entries:
            captions = clean_captions(entry.captions, self.notes, entry.id)
            example = Example(entry.id, entry.path, captions, name=entry.row.file.strip())
            splits.setdefault(chosen[entry.id], []).append(example)
        add_validation(splits, self._division, self.notes, copies)
        return splits

    def facts(self) -> Mapping[str, Any]:
        """How the pictures were split, and what the source adds; known after `splits`."""
        division = {} if self._splits_are_given else self._division.facts()
        return {**division, **self._facts}


def without_splits(rows: Iterable[Row], notes: Notes) -> Iterator[Row]:
    """Rows that are divided anew, whatever splits they name."""
    for row in rows:
        if row.split:
            note_replaced(row.split, notes)
        yield replace(row, split=None)


def merge(rows: Iterable[Row], lookup: PictureLookup, notes: Notes) -> list[_Entry]:
    """One entry for each picture, in the order of their first rows.

    Raises:
        UserError: a name is impossible, a picture has two splits, or two pictures have one id.
    """
    entries: dict[str, _Entry] = {}
    paths: dict[str, tuple[Path, str]] = {}
    ids: dict[str, _Entry] = {}
    for row in rows:
        if row.file not in paths:
            refuse_strange_characters(row)
            path = lookup.find(row.file)
            paths[row.file] = path, lookup.identity(path)
        path, identity = paths[row.file]
        entry = entries.get(identity)
        if entry is None:
            entry = entries[identity] = _Entry(row.id or normalized(row.file), path, row)
            refuse_one_id_for_two(ids.setdefault(entry.id, entry), entry)
        if row.file not in entry.names:
            if entry.names:
                notes.count(SEVERAL_NAMES, f"{row.file} is {entry.names[0]}")
            entry.names.append(row.file)
        agree_on_split(entry, row)
        entry.captions += row.captions
    return list(entries.values())


def without_left_out(entries: Iterable[_Entry], notes: Notes) -> list[_Entry]:
    """The entries that a split list names; the others are counted."""
    kept = []
    for entry in entries:
        if entry.split == LEFT_OUT:
            notes.count(UNLISTED if entry.path.is_file() else UNLISTED_MISSING, entry.id)
        else:
            kept.append(entry)
    return kept


def left_to_chance(entries: Iterable[_Entry]) -> list[_Entry]:
    """The entries without a split; those to train on, if only the validation is to be drawn."""
    found: dict[str | None, list[_Entry]] = {}
    for entry in entries:
        found.setdefault(entry.split, []).append(entry)
    return found.get(None, []) if None in found or "val" in found else found.get("train", [])


def follow_folders(entries: Sequence[_Entry], root: Path, notes: Notes) -> None:
    """Gives entries the splits that their folders are called after, if the rows name none."""
    if any(entry.split for entry in entries):
        return
    splits = splits_of_folders([folders_of(entry.path, root) for entry in entries])
    for entry, split in zip(entries, splits, strict=True):
        entry.split = split
    if any(splits):
        notes.say("The splits are those that the pictures' folders are called after")


def folders_of(path: Path, root: Path) -> Sequence[str]:
    """The folders between a root and a file; all of the file's, if it lies elsewhere."""
    return (path.relative_to(root) if root in path.parents else path).parts[:-1]


def refuse_strange_characters(row: Row) -> None:
    """Raises UserError if a file name has a control character, or is not UTF-8 on the disk."""
    strange = next((one for one in row.file if ord(one) < 32 or is_undecoded(one)), None)
    if strange is None:
        return
    if is_undecoded(strange):
        raise UserError(
            f"{printable(row.where)}: the file name {row.file!r} is not UTF-8. Rename the file."
        )
    raise UserError(
        f"{row.where}: the file name {row.file!r} contains the control character"
        f" U+{ord(strange):04X}. Correct the name."
    )


def is_undecoded(character: str) -> bool:
    """Whether a character stands for a byte of a file name that is not UTF-8."""
    return 0xD800 <= ord(character) <= 0xDFFF


def refuse_one_id_for_two(first: _Entry, second: _Entry) -> None:
    """Raises UserError if two pictures have one id."""
    if first is not second:
        raise UserError(
            f"{second.row.where}: the id {second.id!r} belongs to two pictures, {first.row.file!r}"
            f" and {second.row.file!r}. Give each picture an id of its own."
        )


def agree_on_split(entry: _Entry, row: Row) -> None:
    """Gives an entry the split of its row; UserError if an earlier row says another one."""
    if entry.split and row.split and entry.split != row.split:
        raise UserError(
            f"{row.where}: {row.file!r} is in the split {row.split}, but {entry.row.where} puts"
            f" {entry.row.file!r}, the same picture, into {entry.split}. Give it one split."
        )
    entry.split = entry.split or row.split
