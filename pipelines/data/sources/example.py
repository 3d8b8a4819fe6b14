"""What every dataset yields, whatever it was made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Example:
    """A picture that is not decoded yet, or an array that needs no decoding, with its captions."""

    id: str
    picture: Path | np.ndarray  # a file, or uint8 [H, W, C]
    captions: tuple[str, ...]  # one to five
    attributes: Mapping[str, Any] = field(
        default_factory=dict
    )  # what is known of the content, as JSON


class Source(Protocol):
    """A dataset: names of splits ("train", "val", "test", ...) and the examples of each.

    The order is a function of the files and the seed alone, so that example k is the same in
    every run and a shard can be made on its own.
    """

    name: str

    def splits(self) -> Mapping[str, list[Example]]:
        """Every split's examples, in order."""
        ...

    def facts(self) -> Mapping[str, Any]:
        """What the manifest should keep of this source: seed, origin, held-out compositions."""
        ...
