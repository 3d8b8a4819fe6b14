"""Where pictures changed, as a picture: the darker the more, with the object's region outlined."""

import matplotlib
import numpy as np
from PIL import Image, ImageColor

from pipelines.figures.annotated_grid import STRONG
from pipelines.figures.pixels import enlarged, magnification


def change_map(
    difference: np.ndarray, region: np.ndarray | None, peak: float, side: int
) -> Image.Image:
    """The map at the size of an enlarged picture.

    Args:
        difference: [H, W], not negative.
        region: bool [H, W], outlined; None for no outline.
        peak: the difference that is darkest.
        side: see `enlarged`.
    """
    shades = matplotlib.colormaps["Blues"](difference / max(peak, 1e-9))[:, :, :3]
    pixels = (255 * shades).round().astype(np.uint8)
    page = np.array(enlarged(pixels, side))
    if region is not None:
        page[_border(region, magnification(pixels, side))] = ImageColor.getrgb(STRONG)
    return Image.fromarray(page)


def _border(region: np.ndarray, factor: int) -> np.ndarray:
    """Of a region [H, W] enlarged by a factor, the pixels with a neighbour outside it."""
    large = region.repeat(factor, 0).repeat(factor, 1)
    padded = np.pad(large, 1)
    beside = padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]
    return large & ~np.logical_and.reduce(beside)
