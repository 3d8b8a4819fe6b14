"""Where a captioner attended for each word: the image once per word, faded elsewhere."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageColor

from pipelines.figures.annotated_grid import Cell, Row, sheet
from pipelines.figures.pixels import INK, PAPER, border, enlarged

SIDE = 128  # the longer side of an image, pixels, unless it has more
COLUMNS = 6  # images in a row, at most
FADED = 0.2  # opacity of the image where the attention is 0
LINE = 2  # width of the outline, pixels


def attention_figure(image: np.ndarray, words: Sequence[str], attention: np.ndarray) -> Image.Image:
    """The image as it is, then once for each word.

    The more attention a word pays to a place, the less faded the place is; an outline surrounds the
    places with more than half of the word's maximum.

    Args:
        image: uint8 [H, W, C], 1 or 3 channels.
        words: The N words of the caption.
        attention: float [N, GH, GW], the attention of each word to a grid of places, at least 0.

    Raises:
        ValueError: the shapes of `words` and `attention` do not fit together.
    """
    if attention.ndim != 3 or len(attention) != len(words) or not attention.size:
        raise ValueError(
            f"Expected attention [{len(words)}, height, width] of {len(words)} words, "
            f"got {list(attention.shape)}."
        )
    original = enlarged(image, SIDE)
    faded = [
        Cell(_faded(original, places), title=word)
        for word, places in zip(words, attention, strict=True)
    ]
    cells = [Cell(original), *faded]
    rows = [Row("", cells[k : k + COLUMNS]) for k in range(0, len(cells), COLUMNS)]
    return sheet([rows])


def _faded(original: Image.Image, places: np.ndarray) -> Image.Image:
    """The image blended with the paper, by the attention [GH, GW] resized to the image's size."""
    peak = max(float(places.max()), np.finfo(np.float32).tiny)
    mask = Image.fromarray((places / peak).astype(np.float32))
    mask = np.asarray(mask.resize(original.size, Image.Resampling.BICUBIC)).clip(0, 1)[:, :, None]
    opacity = FADED + (1 - FADED) * mask
    mixed = opacity * np.asarray(original) + (1 - opacity) * np.array(ImageColor.getrgb(PAPER))
    mixed[border(mask[:, :, 0] > 0.5, LINE)] = ImageColor.getrgb(INK)
    return Image.fromarray(mixed.round().astype(np.uint8))
