"""Rows of pictures with words: at their left, below each, and at their right."""

from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw

from pipelines.figures.pixels import INK, PAPER, font, wrapped

SIDE = 120  # the longer side of a picture, pixels, unless it has more
GAP, MARGIN = 8, 24
LABEL, SPACE = 230, 18  # widths, pixels: of words beside the pictures, and between these
FONT, SMALL, LEADING = 16, 12, 6  # pixels
MUTED, STRONG, RIGHT, WRONG = "#6b7280", "#b4470f", "#1a7f37", "#b42318"


class Cell(NamedTuple):
    """A picture, and a few words below it; a tick is green, a cross red."""

    picture: Image.Image
    text: str = ""


class Row(NamedTuple):
    """Pictures of one caption."""

    label: str
    cells: Sequence[Cell]
    strong: frozenset[str] = frozenset()  # words of the label that stand out
    note: str = ""  # below the label
    aside: str = ""  # at the right
    remark: str = ""  # below that; a tick is green, a cross red


def sheet(
    blocks: Sequence[Sequence[Row]],
    heads: Sequence[str] = (),
    sides: tuple[str, str] = ("", ""),
) -> Image.Image:
    """A page with blocks of rows, a line between blocks.

    Args:
        blocks: rows that belong together; pictures of a column have the same size.
        heads: words above the columns of pictures, first to last; "" for none.
        sides: words above the labels, and above what stands at the right.

    Raises:
        ValueError: no rows.
    """
    rows = [row for block in blocks for row in block]
    if not rows or not all(row.cells for row in rows):
        raise ValueError("Expected at least one row, and a picture in each.")
    width, height = rows[0].cells[0].picture.size
    columns = max(len(row.cells) for row in rows)
    left = MARGIN + LABEL + SPACE
    right = left + columns * (width + GAP) - GAP
    asides = any(row.aside or row.remark for row in rows)
    top = MARGIN + (SMALL + 2 * LEADING if any((*heads, *sides)) else 0)
    heights = [[_height(row, width, height) for row in block] for block in blocks]
    bottom = top + sum(map(sum, heights)) + SPACE * (len(blocks) - 1)
    size = right + asides * (SPACE + LABEL) + MARGIN, bottom - GAP + MARGIN
    page = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(page)
    for x, head in zip((MARGIN, right + SPACE), sides, strict=True):
        draw.text((x, MARGIN), head, MUTED, font(SMALL), "la")
    for column, head in enumerate(heads):
        x = left + column * (width + GAP) + width // 2
        draw.text((x, MARGIN), head, MUTED, font(SMALL), "ma")
    for k, (block, of_block) in enumerate(zip(blocks, heights, strict=True)):
        if k:
            draw.line((MARGIN, top + 1, size[0] - MARGIN, top + 1), "#d9d7d0")
            top += SPACE
        for row, taken in zip(block, of_block, strict=True):
            middle = top + (height if not any(c.text for c in row.cells) else taken - GAP) // 2
            _words(draw, (MARGIN, middle), row.label, row.note, row.strong)
            _words(draw, (right + SPACE, middle), row.aside, row.remark)
            for column, cell in enumerate(row.cells):
                x = left + column * (width + GAP)
                page.paste(cell.picture, (x, top))
                text = wrapped(cell.text, font(SMALL), width)
                at = x + width // 2, top + height + 3
                draw.text(at, text, tone(cell.text), font(SMALL), "ma", 3, "center")
            top += taken
    return page


def tone(text: str) -> str:
    """The colour of a small text."""
    return {"✓": RIGHT, "✗": WRONG}.get(text[:1], MUTED)


def _height(row: Row, width: int, height: int) -> int:
    """Of a row and the gap below it: its pictures with their texts, or the words beside them."""
    lines = max(len(wrapped(cell.text, font(SMALL), width).split("\n")) for cell in row.cells)
    below = lines * (SMALL + 4) if any(cell.text for cell in row.cells) else 0
    beside = max(_extent(row.label, row.note), _extent(row.aside, row.remark))
    return max(height + below, beside) + GAP


def _extent(label: str, note: str) -> int:
    large, small = wrapped(label, font(FONT), LABEL), wrapped(note, font(SMALL), LABEL)
    return (large.count("\n") + bool(large)) * (FONT + LEADING) + (
        small.count("\n") + bool(small)
    ) * (SMALL + LEADING)


def _words(draw, at, label: str, note: str, strong: frozenset[str] = frozenset()) -> None:
    """A label and the note below it; `at` is the left end of their middle."""
    x, y = at[0], at[1] - _extent(label, note) // 2
    face, space = font(FONT), font(FONT).getlength(" ")
    for line in wrapped(label, face, LABEL).split("\n") if label else ():
        place = x
        for word in line.split():
            draw.text((place, y), word, STRONG if word in strong else INK, face, "la")
            place += face.getlength(word) + space
        y += FONT + LEADING
    for line in wrapped(note, font(SMALL), LABEL).split("\n") if note else ():
        draw.text((x, y), line, tone(note), font(SMALL), "la")
        y += SMALL + LEADING
