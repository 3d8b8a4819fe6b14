"""Arrays of pixels as Pillow pictures, enlarged so that every pixel shows, and words on them."""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageFont

PAPER, INK = "#fbfaf7", "#1f2328"  # an opaque page of its own: legible on light and on dark


def picture(pixels: np.ndarray) -> Image.Image:
    """An RGB picture of uint8 [H, W, 1] or [H, W, 3].

    Raises:
        ValueError: another type or shape.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[-1] not in (1, 3):
        raise ValueError(
            f"Expected uint8 [H, W, 1] or [H, W, 3], got {pixels.dtype} {list(pixels.shape)}."
        )
    return Image.fromarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def enlarged(pixels: np.ndarray, side: int) -> Image.Image:
    """The picture with whole pixels as large as its longer side stays within `side`, at least 1."""
    factor = magnification(pixels, side)
    height, width = pixels.shape[:2]
    return picture(pixels).resize((factor * width, factor * height), Image.Resampling.NEAREST)


def magnification(pixels: np.ndarray, side: int) -> int:
    """How many pixels of the enlarged picture one pixel of [H, W, C] is wide."""
    return max(1, side // max(pixels.shape[:2]))


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib and so is there on every machine; size in pixels."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), size)


def wrapped(text: str, face: ImageFont.FreeTypeFont, width: int) -> str:
    """The text with line breaks, so that no line is wider than `width` pixels but a lone word."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if face.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(line for line in lines if line)
