import numpy as np
import pytest
from PIL import Image

from pipelines.figures.annotated_grid import GAP, MARGIN, Cell, Row, sheet

BLACK = Image.new("RGB", (40, 30))


def black(page):
    return (np.asarray(page) == 0).all(-1)


def test_every_picture_stands_in_its_column():
    page = sheet([[Row("a", [Cell(BLACK), Cell(BLACK)]), Row("b", [Cell(BLACK)])]])
    dark = black(page)
    left = dark.any(0).argmax()
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
    left = black(sheet([rows])).any(0).argmax()
    label = pixels[:, :left]
    assert ((label[:, :, 0] - label[:, :, 2]) > 120).any()  # orange among grey
    below = pixels[MARGIN + 30 :, left:]
    assert (below[:, :48, 1] - below[:, :48, 0] > 60).any()  # a green tick
    assert (below[:, 48:, 0] - below[:, 48:, 1] > 100).any()  # a red cross


def test_no_text_is_cut_off_or_runs_into_another():
    cells = [Cell(BLACK, "✗ incomprehensibilities", "incomprehensibilities")] * 2
    row = Row("antidisestablishmentarianism_" * 2, cells, note="note", aside="aside " * 30)
    heads = ["incomprehensibilities " * 3] * 2
    page = np.asarray(sheet([[row]], heads, ("asked " * 60, "read " * 60)))
    used = (page != page[0, 0]).any(-1)
    inside = np.zeros_like(used)
    inside[MARGIN:-MARGIN, MARGIN:-MARGIN] = True
    assert not (used & ~inside).any()
    gaps = np.diff(np.flatnonzero(used.any(0)))
    assert (gaps >= GAP - 2).sum() == 3  # between the label, two columns of images, and the aside


def test_a_page_without_labels_has_no_column_for_them():
    page = sheet([[Row("", [Cell(BLACK)])]])
    assert page.size == (40 + 2 * MARGIN, 30 + 2 * MARGIN)


@pytest.mark.parametrize("blocks", [[], [[]], [[Row("a", [])]]])
def test_an_empty_sheet_is_refused(blocks):
    with pytest.raises(ValueError, match="Expected at least one row"):
        sheet(blocks)
