"""Which split a picture belongs to: as the data set says, or by a seeded hash of its name."""

import hashlib
import re
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from pipelines.data.sources.notes import Notes
from t2i_tf.errors import UsageError, UserError

SPLITS = ("train", "val", "test")
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "restval": "train",  # Karpathy's name for what he added to the training pictures
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "eval": "val",
    "evaluation": "val",
    "test": "test",
    "testing": "test",
    "tst": "test",
    "held_out": "held_out",
}

MADE_VALIDATION = 0.1  # fraction of the training pictures, where there is no validation split
LEFT_OUT = "-"  # split of a picture that the data set's own split lists leave out
KNOWN = {*SPLIT_NAMES.values(), LEFT_OUT}
UNKNOWN_REPLACED = "Pictures whose split is unknown, which --splits replaces"
REPLACED = "The splits that the data set has are replaced by --splits"
ENOUGH_FOR_A_TEST = 10  # pictures that are divided by chance


class Named(Protocol):
    """What has an id: an example, or what becomes one."""

    @property
    def id(self) -> str: ...  # noqa: D102


Item = TypeVar("Item", bound=Named)


@dataclass(frozen=True)
class Division:
    """Fractions of the pictures for validation and test; the rest is trained on.

    Args:
        val, test: Fractions of the pictures, from 0 to 1.
        seed: Seed of the hash that draws them.
        replaces: Whether it replaces the splits that a data set has.

    Raises:
        UsageError: the fractions leave nothing to train on.
    """

    val: float = 0.1
    test: float = 0.1
    seed: int = 0
    replaces: bool = False

    def __post_init__(self):
        if not (self.val >= 0 and self.test >= 0 and self.val + self.test < 1):
            raise UsageError(
                f"val and test must leave some pictures to train on, got {self.val} and"
                f" {self.test}."
            )

    def facts(self) -> Mapping[str, Any]:
        """The division, for the manifest."""
        return {"seed": self.seed, "val": self.val, "test": self.test}

    def uniform(self, name: str) -> float:
        """A number from 0 to 1 (excluded) that depends on the name and the seed alone."""
        digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
        return int.from_bytes(digest[:8]) / 2**64

    def split_of(self, name: str) -> str:
        """The split of a picture; adding other pictures does not move it."""
        uniform = self.uniform(name)
        if uniform < self.test:
            return "test"
        return "val" if uniform < self.test + self.val else "train"


def parse_fractions(text: str, seed: int) -> Division:
    """The division that a user asks for, such as "0.8,0.1,0.1" for train, val and test.

    Raises:
        UsageError: the text is something else, or the fractions do not add up to 1.
    """
    try:
        train, val, test = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"--splits: expected three fractions (train,val,test) such as 0.8,0.1,0.1; got {text}."
        ) from None
    if not (min(train, val, test) >= 0 and train > 0 and abs(train + val + test - 1) < 1e-6):
        raise UsageError(
            f"--splits: expected fractions that add up to 1, with some to train on; got {text}."
        )
    return Division(val, test, seed, replaces=True)


def split_named(name: str) -> str | None:
    """The split that a word names ("dev" is "val"); None if it is no split's name."""
    return SPLIT_NAMES.get(name.strip().lower().replace("-", "_"))


def split_in_file_name(stem: str) -> str | None:
    """The split that a file or folder name begins with, as in `train-00000-of-00002`."""
    return split_named(re.split(r"[-_.\d ]", stem, maxsplit=1)[0])


def split_of_file(path: Path) -> str | None:
    """The split that a file's name begins with, or else the one that its folder is called after."""
    return split_in_file_name(path.stem) or split_named(path.parent.name.rstrip("0123456789"))


def splits_of_files(paths: Sequence[Path]) -> dict[Path, str | None]:
    """The split of each file by `split_of_file`, or else by any word of the files' names.

    A word further back counts only if the names tell training files and others apart, as
    `mine-train-0.tar` and `mine-val-0.tar` do.
    """
    first = {path: split_of_file(path) for path in paths}
    if any(first.values()):
        return first
    within = {path: split_within(path.stem) for path in paths}
    return within if tells_training_apart(within.values()) else first


def split_within(name: str) -> str | None:
    """The only split that the words of a name name; None if they name none or several."""
    named = {split_named(word) for word in re.split(r"[^a-z]+", name.lower())} - {None}
    return named.pop() if len(named) == 1 else None


def splits_of_folders(places: Sequence[Sequence[str]]) -> list[str | None]:
    """The split of each place by the first of its folders that tells training and others apart.

    Args:
        places: For each picture, the names of its folders, such as `("images", "train2017")`.

    Returns:
        None for all if no folders do.
    """
    for depth in range(max(map(len, places), default=0)):
        named = [_split_at(folders, depth) for folders in places]
        if tells_training_apart(named):
            return named
    return [None] * len(places)


def _split_at(folders: Sequence[str], depth: int) -> str | None:
    return split_in_file_name(folders[depth]) if depth < len(folders) else None


def tells_training_apart(splits: Iterable[str | None]) -> bool:
    """Whether there are training pictures and those of another split."""
    named = set(splits) - {None}
    return "train" in named and len(named) > 1


def note_replaced(split: str, notes: Notes) -> None:
    """Remarks that --splits replaces a split; one that is unknown may be a piece of a caption."""
    notes.say(REPLACED)
    if split not in KNOWN:
        notes.count(UNKNOWN_REPLACED, split)


def refuse_unfit_splits(
    pictures: Iterable[tuple[str, str | None]], other: str, its_split: str | None
) -> None:
    """Raises UserError if only some pictures have a split, or one has a split that is unknown.

    Args:
        pictures: What a picture is called, and its split.
        other: What one with a split is called.
        its_split: The split of that one.
    """
    for name, split in pictures:
        if not split:
            raise UserError(
                f"{name} has no split, while {other} has one ({its_split}). Fill it in, or divide"
                " all pictures anew with --splits."
            )
        if split not in KNOWN:
            known = ", ".join(one.replace("_", "-") for one in SPLIT_NAMES)
            raise UserError(
                f"{name}: unknown split {split!r}, expected one of {known}. Correct it, or divide"
                " all pictures anew with --splits."
            )


def divide(
    names: Iterable[str],
    division: Division,
    notes: Notes,
    copies: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """The split of each name, by chance; no split that can have a picture is left empty.

    Args:
        names: What the pictures are called.
        division: The fractions and the seed.
        notes: Where it is said what chance left empty.
        copies: The names whose split is that of another name.
    """
    chosen = {name: division.split_of(copies.get(name, name)) for name in names}
    members: dict[str, list[str]] = {split: [] for split in SPLITS}
    for name, split in chosen.items():
        members[split].append(name)
    wanted = {"train": True, "val": division.val > 0}
    wanted["test"] = division.test > 0 and len(chosen) >= ENOUGH_FOR_A_TEST
    for split in (split for split in SPLITS if wanted[split] and not members[split]):
        giver = max(members, key=lambda one: len(members[one]))
        if members["test"] and not wanted["test"]:
            giver = "test"
        if len(members[giver]) > 1 or ((split, giver) != ("val", "train") and members[giver]):
            moved = min(members[giver], key=division.uniform)
            members[giver].remove(moved)
            members[split].append(moved)
            chosen[moved] = split
            notes.say(
                f"Chance left the split {split} empty, as there are few pictures: it gets {moved}"
                f" of {giver}"
            )
    return chosen


def add_validation(
    splits: MutableMapping[str, list[Item]],
    division: Division,
    notes: Notes,
    copies: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Makes a validation split of some training pictures if a data set has none; see `divide`."""
    train = splits.get("train", [])
    if splits.get("val") or len(train) < 2 or (division.replaces and division.val == 0):
        return
    kept, moved = part(train, division, copies)
    splits["train"], splits["val"] = kept, moved
    notes.say(
        f"There is no validation split: {len(moved):,} of the {len(train):,} training pictures"
        " are used for it"
    )


def part(
    train: Sequence[Item], division: Division, copies: Mapping[str, str]
) -> tuple[list[Item], list[Item]]:
    """Training pictures divided in two: a tenth by chance, one at least, for validation."""
    chance = {one.id: division.uniform(f"val/{copies.get(one.id, one.id)}") for one in train}
    drawn = {id for id, value in chance.items() if value < MADE_VALIDATION}
    drawn = drawn or {min(chance, key=chance.__getitem__)}
    if len(drawn) == len(chance):
        drawn.remove(max(chance, key=chance.__getitem__))
    kept = [example for example in train if example.id not in drawn]
    return kept, [example for example in train if example.id in drawn]
