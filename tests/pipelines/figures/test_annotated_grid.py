import numpy as np
import pytest
from PIL import Image

from pipelines.figures.annotated_grid import (
    GAP,
    LABEL,
    MARGIN,
    SPACE,
    Cell,
    Row,
    sheet,
)

BLACK = Image.new("RGB", (40, 30))


def black(page):
    return (np.asarray(page) == 0).all(-1)


def test_every_picture_stands_in_its_column():
    page = sheet([[Row("a", [Cell(BLACK), Cell(BLACK)]), Row("b", [Cell(BLACK)])]])
    dark, left = black(page), MARGIN + LABEL + SPACE
    assert dark.sum() == 3 * 40 * 30
    assert dark[MARGIN : MARGIN + 30, left : left + 40].all()
    assert dark[MARGIN : MARGIN + 30, left + 40 + GAP : left + 80 + GAP].all()
    assert page.size == (left + 80 + GAP + MARGIN, MARGIN + 60 + GAP + MARGIN)


def test_words_make_room_for_themselves():
    small = sheet([[Row("a", [Cell(BLACK)])]])
    assert sheet([[Row("word " * 60, [Cell(BLACK)])]]).height > small.height
    assert sheet([[Row("a", [Cell(BLACK, "✗ object")])]]).height > small.height
    assert sheet([[Row("a", [Cell(BLACK)], aside="read")]]).width > small.width
    assert sheet([[Row("a", [Cell(BLACK)])]], ["seed 0"]).height > small.height
    two = sheet([[Row("a", [Cell(BLACK)])]] * 2)
    assert black(two).sum() == 2 * 40 * 30


def test_strong_words_and_ticks_have_colours():
    rows = [Row("a red bus", [Cell(BLACK, "✓"), Cell(BLACK, "✗ colour")], frozenset({"red"}))]
    pixels = np.asarray(sheet([rows])).astype(int)
    label = pixels[:, MARGIN : MARGIN + LABEL]
    assert ((label[:, :, 0] - label[:, :, 2]) > 120).any()  # orange among grey
    below = pixels[MARGIN + 30 :, MARGIN + LABEL + SPACE :]
    assert (below[:, :48, 1] - below[:, :48, 0] > 60).any()  # a green tick
    assert (below[:, 48:, 0] - below[:, 48:, 1] > 100).any()  # a red cross


@pytest.mark.parametrize("blocks", [[], [[]], [[Row("a", [])]]])
def test_an_empty_sheet_is_refused(blocks):
    with pytest.raises(ValueError, match="Expected at least one row"):
        sheet(blocks)
