"""The example that every source yields, and the protocol of a source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Example:
    """A picture, as a file to decode or as an array, with its captions."""

    id: str
    picture: Path | np.ndarray  # a file, or uint8 [H, W, C]
    captions: tuple[str, ...]  # one to five
    attributes: Mapping[str, Any] = field(default_factory=dict)  # known contents, as JSON


class Source(Protocol):
    """A dataset: named splits ("train", "val", "test", ...) of examples.

    Their order depends on the files and the seed alone, so that example k is the same in every run
    and each shard can be written on its own.
    """

    name: str

    def splits(self) -> Mapping[str, list[Example]]:
        """The examples of every split, in order."""
        ...

    def facts(self) -> Mapping[str, Any]:
        """Facts for the manifest: seed, origin, held-out compositions."""
        ...
