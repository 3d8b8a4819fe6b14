"""Where a captioner looked for each word: the picture once a word, faded where it did not look."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from pipelines.figures.pixels import INK, PAPER, enlarged, font

SIDE = 128  # the longer side of a picture, pixels, unless it has more
COLUMNS = 6  # pictures in a row, at most
GAP, MARGIN = 12, 20
FONT_SIZE, LABEL = 16, 26  # pixels; a label has a line of its own above its picture
FADED = 0.2  # of the picture, where nothing is attended to
LINE = 2  # pixels


def attention_figure(image: np.ndarray, words: Sequence[str], attention: np.ndarray) -> Image.Image:
    """The picture, then the picture for each word.

    Places are the more in colour the more a word attends to them; a line is drawn about those that
    have more than half of what the first among them has.

    Args:
        image: uint8 [H, W, C], 1 or 3 channels.
        words: N of them.
        attention: float [N, GH, GW], not negative.

    Raises:
        ValueError: the sizes do not fit together.
    """
    if attention.ndim != 3 or len(attention) != len(words) or not attention.size:
        raise ValueError(
            f"Expected attention [{len(words)}, height, width] of {len(words)} words, "
            f"got {list(attention.shape)}."
        )
    whole = enlarged(image, SIDE)
    pictures = [whole, *(_faded(whole, places) for places in attention)]
    return _page(pictures, ["", *words])


def _faded(whole: Image.Image, places: np.ndarray) -> Image.Image:
    """The picture seen through the attention [GH, GW], which is smoothed to its size."""
    peak = max(float(places.max()), np.finfo(np.float32).tiny)
    mask = Image.fromarray((places / peak).astype(np.float32))
    mask = np.asarray(mask.resize(whole.size, Image.Resampling.BICUBIC)).clip(0, 1)[:, :, None]
    share = FADED + (1 - FADED) * mask
    mixed = share * np.asarray(whole) + (1 - share) * np.array(ImageColor.getrgb(PAPER))
    mixed[_border(mask[:, :, 0] > 0.5)] = ImageColor.getrgb(INK)
    return Image.fromarray(mixed.round().astype(np.uint8))


def _border(region: np.ndarray) -> np.ndarray:
    """The pixels of a region, bool [H, W], that are near to one outside it, or to the edge."""
    height, width = region.shape
    padded = np.pad(region, LINE)
    inside = [
        padded[y : y + height, x : x + width]
        for y, x in ((0, LINE), (2 * LINE, LINE), (LINE, 0), (LINE, 2 * LINE))
    ]
    return region & ~np.logical_and.reduce(inside)


def _page(pictures: Sequence[Image.Image], labels: Sequence[str]) -> Image.Image:
    """Pictures in rows, each below its label; columns are wide enough for the longest."""
    face = font(FONT_SIZE)
    width, height = pictures[0].size
    column = max(width, *(round(face.getlength(label)) for label in labels)) + GAP
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    row_height = LABEL + height + GAP
    size = 2 * MARGIN + columns * column - GAP, 2 * MARGIN + rows * row_height - GAP
    page = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(page)
    for k, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        left = MARGIN + k % columns * column
        top = MARGIN + k // columns * row_height
        middle = left + (column - GAP) // 2
        draw.text((middle, top + LABEL // 2), label, INK, face, "mm")
        page.paste(picture, (middle - width // 2, top + LABEL))
    return page
