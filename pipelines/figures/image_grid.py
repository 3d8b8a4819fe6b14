"""Pictures beside their captions, and the canvases of one drawing in a row."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from pipelines.figures.pixels import INK, PAPER, enlarged, font, wrapped

SIDE = 128  # the longer side of a picture, pixels, unless it has more
GAP, MARGIN = 8, 20
CAPTION_WIDTH = 240
FONT_SIZE, LINE_SPACING = 16, 6


def grid(images: np.ndarray, captions: Sequence[str]) -> Image.Image:
    """A row for each caption: its words, then its pictures.

    Args:
        images: uint8 [rows, n, H, W, C], 1 or 3 channels.
        captions: one a row.

    Raises:
        ValueError: another number of captions than of rows, or no pictures.
    """
    if images.ndim != 5 or len(images) != len(captions) or 0 in images.shape:
        raise ValueError(
            f"Expected pictures [{len(captions)}, n, H, W, C], got {list(images.shape)}."
        )
    face = font(FONT_SIZE)
    texts = [wrapped(caption, face, CAPTION_WIDTH) for caption in captions]
    strips = [_side_by_side([enlarged(image, SIDE) for image in row]) for row in images]
    return _table(texts, strips)


def steps_strip(canvases: np.ndarray) -> Image.Image:
    """The canvas after each step, from left to right.

    Args:
        canvases: uint8 [T, H, W, C], 1 or 3 channels.
    """
    strip = _side_by_side([enlarged(canvas, SIDE // 2) for canvas in canvases])
    page = Image.new("RGB", (strip.width + 2 * GAP, strip.height + 2 * GAP), PAPER)
    page.paste(strip, (GAP, GAP))
    return page


def _side_by_side(pictures: Sequence[Image.Image]) -> Image.Image:
    width, height = pictures[0].size
    strip = Image.new("RGB", (len(pictures) * (width + GAP) - GAP, height), PAPER)
    for k, picture in enumerate(pictures):
        strip.paste(picture, (k * (width + GAP), 0))
    return strip


def _table(texts: Sequence[str], strips: Sequence[Image.Image]) -> Image.Image:
    """Texts in the left column, strips in the right one, middles aligned."""
    heights = [
        max(strip.height, _text_height(text)) for text, strip in zip(texts, strips, strict=True)
    ]
    column = MARGIN + CAPTION_WIDTH + MARGIN
    width = column + strips[0].width + MARGIN
    page = Image.new("RGB", (width, sum(heights) + GAP * (len(heights) - 1) + 2 * MARGIN), PAPER)
    draw, top = ImageDraw.Draw(page), MARGIN
    for text, strip, height in zip(texts, strips, heights, strict=True):
        middle = top + height // 2
        draw.text((MARGIN, middle), text, INK, font(FONT_SIZE), "lm", LINE_SPACING)
        page.paste(strip, (column, middle - strip.height // 2))
        top += height + GAP
    return page


def _text_height(text: str) -> int:
    return (text.count("\n") + 1) * (FONT_SIZE + LINE_SPACING)
