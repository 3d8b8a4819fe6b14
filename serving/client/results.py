"""What a client gets back: pictures, drawings with every step, facts about the model."""

from dataclasses import dataclass

import numpy as np

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
    """One picture of a caption with the way to it."""

    seed: int
    canvases: np.ndarray
    """uint8 [T, H, W, C]."""
    windows: np.ndarray
    """float32 [T, 4]: top, left, bottom, right of the window written to, in pixels."""
    words: tuple[str, ...]
    """The N words as the model reads them."""
    known: tuple[bool, ...]
    """Whether its vocabulary has each of them."""
    alignment: np.ndarray
    """float32 [T, N]: attention to each word at each step."""
    png: bytes
    """The last canvas."""


@dataclass(frozen=True)
class Metadata:
    """A served model: the version that answers, and its signatures."""

    model: str
    version: int
    signatures: dict[str, Signature]


@dataclass(frozen=True)
class VersionStatus:
    """A version on the server: its state (AVAILABLE, LOADING, ...) and its error, or ""."""

    version: int
    state: str
    error: str
