"""What a source changed, dropped or guessed while it read its input, counted, for people."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

NAMED = 5  # places or files that are named for each count


@dataclass
class Note:
    """One kind of change: how often it happened, and where first."""

    what: str
    count: int = 0
    first: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """One line, such as "Empty captions, left out: 3 (a.jpg, b.jpg, ...)"."""
        more = ", ..." if self.count > len(self.first) else ""
        places = f" ({', '.join(self.first)}{more})" if self.first else ""
        return f"{self.what}: {self.count:,}{places}" if self.count else f"{self.what}{places}."


class Notes:
    """Counted changes and single remarks, in the order in which they first came up."""

    def __init__(self):
        self._notes: dict[str, Note] = {}

    def count(self, what: str, place: str = "", number: int = 1) -> None:
        """Count a change.

        Args:
            what: The kind of change, as a phrase that a number can follow.
            place: Where it happened: a file, a line; the first few are kept.
            number: How often it happened there.
        """
        place = printable(place)
        note = self._notes.setdefault(what, Note(what))
        note.count += number
        if place and len(note.first) < NAMED and place not in note.first:
            note.first.append(place)

    def add(self, what: str, count: int, first: Iterable[str]) -> None:
        """Adds a count that was made elsewhere, with its first places."""
        note = self._notes.setdefault(what, Note(what))
        note.count += count
        note.first = list(dict.fromkeys([*note.first, *first]))[:NAMED]

    def say(self, sentence: str) -> None:
        """Keep a remark, a sentence without its full stop."""
        self._notes.setdefault(printable(sentence), Note(printable(sentence)))

    def clear(self) -> None:
        """Forget everything: the input is read again."""
        self._notes.clear()

    def lines(self) -> list[str]:
        """One line for each kind of change and each remark."""
        return [str(note) for note in self._notes.values()]

    def as_json(self) -> list[dict[str, Any]]:
        """What the manifest keeps: `what`, `count` (0 for a remark) and the `first` places."""
        return [
            {"what": note.what, "count": note.count, "first": note.first}
            for note in self._notes.values()
        ]


def printable(text: str) -> str:
    """A text without characters that no terminal and no JSON file can hold."""
    return text.encode("utf-8", "backslashreplace").decode()
