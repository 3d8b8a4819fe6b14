"""Which pictures are copies of others, so that chance does not put them into several splits."""

import filecmp
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from pipelines.data.sources.notes import Notes

KEPT_TOGETHER = "Pictures with the same contents as another, put into the split of that one"
BEGINNING = 1 << 16  # bytes: tell most files of one size apart before whole files are compared


def find_copies(pictures: Mapping[str, Path], notes: Notes) -> dict[str, str]:
    """For each picture with the same bytes as an earlier one, the name of the first such.

    Only files of one size are read. Files that cannot be read have no copies.

    Args:
        pictures: The files, by name.
        notes: Where copies are counted.
    """
    by_size: dict[int, list[str]] = {}
    for name, path in pictures.items():
        size = _size(path)
        if size:
            by_size.setdefault(size, []).append(name)
    copies: dict[str, str] = {}
    for names in by_size.values():
        for name, first in _copies_of_one_size(names, pictures) if len(names) > 1 else ():
            copies[name] = first
            notes.count(KEPT_TOGETHER, f"{name} is {first}")
    return copies


def _copies_of_one_size(names: list[str], pictures: Mapping[str, Path]) -> list[tuple[str, str]]:
    first: dict[bytes, str] = {}  # by the hash of its beginning
    found = []
    for name in names:
        try:
            with pictures[name].open("rb") as file:
                beginning = hashlib.sha256(file.read(BEGINNING)).digest()
            known = first.setdefault(beginning, name)
            if known != name and filecmp.cmp(pictures[known], pictures[name], shallow=False):
                found.append((name, known))
        except OSError:  # the reader of pictures says what is wrong
            continue
    return found


def _size(path: Path) -> int:
    """The size of a regular file in bytes; 0 for anything else."""
    try:
        return os.stat(path).st_size if path.is_file() else 0
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return 0
