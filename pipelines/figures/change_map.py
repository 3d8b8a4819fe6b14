"""Where images changed, as an image: darker is more, and the object's region is outlined."""

import matplotlib
import numpy as np
from PIL import Image, ImageColor

from pipelines.figures.annotated_grid import STRONG
from pipelines.figures.pixels import border, enlarged, magnification


def change_map(
    difference: np.ndarray, region: np.ndarray | None, peak: float, side: int
) -> Image.Image:
    """The map, as large as an image enlarged to `side`.

    Args:
        difference: float [H, W], at least 0.
        region: bool [H, W], the region to outline; None for no outline.
        peak: Difference that has the darkest shade.
        side: Longer side of the map, pixels; see `enlarged`.
    """
    shades = matplotlib.colormaps["Blues"](difference / max(peak, 1e-9))[:, :, :3]
    pixels = (255 * shades).round().astype(np.uint8)
    page = np.array(enlarged(pixels, side))
    if region is not None:
        factor = magnification(pixels, side)
        large = region.repeat(factor, 0).repeat(factor, 1)
        page[border(large)] = ImageColor.getrgb(STRONG)
    return Image.fromarray(page)
