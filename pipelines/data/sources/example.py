"""The example that every source yields, and the protocols of a source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from pipelines.data.sources.notes import Notes


@dataclass(frozen=True)
class Example:
    """A picture, as a file to decode, a file's contents or an array, with its captions."""

    id: str
    picture: Path | bytes | np.ndarray  # a file, the contents of one, or uint8 [H, W, C]
    captions: tuple[str, ...]  # one to five
    attributes: Mapping[str, Any] = field(default_factory=dict)  # known contents, as JSON
    name: str = ""  # by which a user finds the picture, such as its file in a table


class Source(Protocol):
    """A dataset: named splits ("train", "val", "test", ...) of examples.

    Their order depends on the files and the seed alone, so that example k is the same in every run
    and each shard can be written on its own.
    """

    name: str

    def splits(self) -> Mapping[str, Sequence[Example]]:
        """The examples of every split, in order."""
        ...

    def facts(self) -> Mapping[str, Any]:
        """Facts for the manifest: seed, origin, held-out compositions."""
        ...


@runtime_checkable
class NotingSource(Protocol):
    """A source that notes what it changed, dropped or guessed while it read its splits."""

    notes: Notes
