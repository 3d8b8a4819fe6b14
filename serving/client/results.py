"""Results of a client: pictures, drawings with every step, metadata of the model."""

import json
from dataclasses import dataclass

import numpy as np

from serving import contract
from serving.contract import Signature


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture of a caption."""

    seed: int
    pixels: np.ndarray
    """uint8 [H, W, C]."""
    png: bytes


@dataclass(frozen=True, eq=False)
class Drawing:
    """One picture of a caption, with every step of its drawing."""

    seed: int
    canvases: np.ndarray
    """uint8 [T, H, W, C]."""
    windows: np.ndarray
    """float32 [T, 4]: top, left, bottom, right of the write window, pixels."""
    words: tuple[str, ...]
    """The N words of the caption, as the model reads them."""
    known: tuple[bool, ...]
    """Whether each of them is in the model's vocabulary."""
    alignment: np.ndarray
    """float32 [T, N]: attention to each word at each step."""
    png: bytes
    """The last canvas, encoded."""


@dataclass(frozen=True)
class Metadata:
    """A served model: the version that answers requests, and its signatures."""

    model: str
    version: int
    signatures: dict[str, Signature]

    @property
    def max_words(self) -> int | None:
        """Most words and marks of a caption; None where the model does not state it."""
        signature = self.signatures.get(contract.DRAW_STEPS.name)
        if signature is None or contract.WORDS not in signature.outputs:
            return None
        shape = json.loads(signature.outputs[contract.WORDS].shape)
        return shape[1] if len(shape) == 2 and shape[1] > 0 else None


@dataclass(frozen=True)
class VersionStatus:
    """A version on the server: its state, such as AVAILABLE, and its error, or ""."""

    version: int
    state: str
    error: str
