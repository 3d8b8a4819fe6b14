"""Arrays of pixels as Pillow images, enlarged so that every pixel shows."""

import numpy as np
from PIL import Image

PAPER, INK = "#fbfaf7", "#1f2328"  # opaque, so that figures are legible on light and dark pages


def picture(pixels: np.ndarray) -> Image.Image:
    """An RGB image of uint8 [H, W, 1] or [H, W, 3].

    Raises:
        ValueError: another type or shape.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[-1] not in (1, 3):
        raise ValueError(
            f"Expected uint8 [H, W, 1] or [H, W, 3], got {pixels.dtype} {list(pixels.shape)}."
        )
    return Image.fromarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def enlarged(pixels: np.ndarray, side: int) -> Image.Image:
    """The image with whole pixels as large as `side` allows for its longer side, at least 1."""
    factor = magnification(pixels, side)
    height, width = pixels.shape[:2]
    return picture(pixels).resize((factor * width, factor * height), Image.Resampling.NEAREST)


def magnification(pixels: np.ndarray, side: int) -> int:
    """How many pixels of the enlarged image one pixel of [H, W, C] is wide."""
    return max(1, side // max(pixels.shape[:2]))


def border(region: np.ndarray, width: int = 1) -> np.ndarray:
    """The pixels of a region, bool [H, W], that lie within `width` pixels of one outside it.

    What lies beyond the edges of the image counts as outside.
    """
    height, across = region.shape
    padded = np.pad(region, width)
    shifted = [
        padded[y : y + height, x : x + across]
        for y, x in ((0, width), (2 * width, width), (width, 0), (width, 2 * width))
    ]
    return region & ~np.logical_and.reduce(shifted)
