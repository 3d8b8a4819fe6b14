"""Images beside their captions, and the canvases of one drawing in a row."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from pipelines.figures.annotated_grid import Cell, Row, sheet
from pipelines.figures.pixels import enlarged

SIDE = 128  # the longer side of an image, pixels, unless it has more


def grid(
    images: np.ndarray, labels: Sequence[str], heads: Sequence[str] = (), side: int = SIDE
) -> Image.Image:
    """A row of images for each label, under the heads of their columns.

    Args:
        images: uint8 [rows, n, H, W, C], 1 or 3 channels.
        labels: Text of each row, such as its caption.
        heads: Text of each column; none by default.
        side: Longer side of an image, pixels, unless it has more.

    Raises:
        ValueError: the number of labels or of heads does not fit the images, or there are none.
    """
    rows, columns = len(labels), len(heads) or "n"
    fits = images.ndim == 5 and len(images) == rows and columns in ("n", images.shape[1])
    if not fits or 0 in images.shape:
        raise ValueError(f"Expected images [{rows}, {columns}, H, W, C], got {list(images.shape)}.")
    return sheet(
        [[_row(row, label, side) for row, label in zip(images, labels, strict=True)]], heads
    )


def steps_strip(canvases: np.ndarray) -> Image.Image:
    """The canvas after each step, from left to right.

    Args:
        canvases: uint8 [T, H, W, C], 1 or 3 channels.
    """
    return sheet([[_row(canvases, "", SIDE // 2)]])


def _row(images: np.ndarray, label: str, side: int) -> Row:
    return Row(label, [Cell(enlarged(image, side)) for image in images])
