"""Examples whose pictures lie packed in larger files, and are read when they are needed."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.data.sources.assembly.caption_text import clean_captions
from pipelines.data.sources.assembly.split_choice import (
    Division,
    add_validation,
    divide,
    note_replaced,
    refuse_unfit_splits,
)
from pipelines.data.sources.example import Example
from pipelines.data.sources.notes import Notes, printable
from t2i_tf.errors import UserError


@dataclass(frozen=True)
class Packed:
    """A picture in a larger file, with its captions.

    Args:
        id: Name of the picture, unique in the data set.
        captions: Its captions, cleaned.
        place: Where its bytes are, in the terms of its source.
        split: The split that the data set gives it, if it gives one.
    """

    id: str
    captions: tuple[str, ...]
    place: Any
    split: str | None = None


class PackedSplit(Sequence):
    """A split as a sequence that reads each picture on access."""

    def __init__(self, members: Sequence[Packed], read: Callable[[Any], Path | bytes | np.ndarray]):
        self._members, self._read = members, read

    def __len__(self) -> int:
        """Number of examples."""
        return len(self._members)

    def __getitem__(self, index):
        """An example, or a lazy sequence of them for a slice."""
        if isinstance(index, slice):
            return PackedSplit(self._members[index], self._read)
        member = self._members[index]
        return Example(member.id, self._read(member.place), member.captions)

    def __iter__(self) -> Iterator[Example]:
        """All examples, in order."""
        return (self[index] for index in range(len(self)))


class PackedSource:
    """A source of packed pictures.

    Args:
        pack: Returns the pictures with their captions as written; may count in the notes.
        read: The picture at a place: its bytes, a file of its own, or uint8 [H, W, C].
        division: How to divide pictures without a split.
        facts: What the manifest should keep besides.
    """

    name = "folder"

    def __init__(
        self,
        pack: Callable[[Notes], Iterable[Packed]],
        read: Callable[[Any], Path | bytes | np.ndarray],
        division: Division,
        facts: Mapping[str, Any],
    ):
        self.notes = Notes()
        self._pack, self._read, self._division, self._facts = pack, read, division, dict(facts)
        self._splits_are_given = False

    def splits(self) -> Mapping[str, PackedSplit]:
        """Every split; its pictures are read when they are needed.

        Raises:
            UserError: a file is missing or damaged, or two pictures have one id.
        """
        self.notes.clear()
        members = [self._cleaned(one) for one in self._pack(self.notes)]
        refuse_unfit_ids(members)
        given = next((one for one in members if one.split), None)
        self._splits_are_given = given is not None
        if given:
            refuse_unfit_splits(((one.id, one.split) for one in members), given.id, given.split)
        if self._splits_are_given:
            chosen = {one.id: one.split or "" for one in members}
        else:
            chosen = divide((one.id for one in members), self._division, self.notes)
        splits: dict[str, list[Packed]] = {"train": [], "val": [], "test": []}
        for one in members:
            splits.setdefault(chosen[one.id], []).append(one)
        add_validation(splits, self._division, self.notes)
        return {split: PackedSplit(found, self._read) for split, found in splits.items()}

    def _cleaned(self, picture: Packed) -> Packed:
        """A picture with clean captions, and without its split where --splits replaces it."""
        captions, split = clean_captions(picture.captions, self.notes, picture.id), picture.split
        if split and self._division.replaces:
            note_replaced(split, self.notes)
            split = None
        return Packed(picture.id, captions, picture.place, split)

    def facts(self) -> Mapping[str, Any]:
        """How the pictures were split, and what the source adds; known after `splits`."""
        division = {} if self._splits_are_given else self._division.facts()
        return {**division, **self._facts}


def names_of_files(files: Sequence[Path]) -> dict[Path, str]:
    """A name for each file without its extension; with its folder where two would be the same."""
    stems = Counter(path.stem for path in files)
    return {
        path: path.stem if stems[path.stem] == 1 else f"{path.parent.name}/{path.stem}"
        for path in files
    }


def refuse_unfit_ids(members: Iterable[Packed]) -> None:
    """Raises UserError if two pictures have one id, or an id is not UTF-8."""
    seen = set()
    for member in members:
        if printable(member.id) != member.id:
            raise UserError(f"{printable(member.id)}: the name is not UTF-8. Rename the picture.")
        if member.id in seen:
            raise UserError(f"{member.id}: there are two pictures of this name. Rename one.")
        seen.add(member.id)
