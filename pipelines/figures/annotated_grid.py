"""Rows of images with text around them: the layout of every figure that is such a table.

    side head | column head   column head | side head
    ----------+---------------------------+----------
    label     | title         title       | aside
    note      | image         image       | remark
              | text          text        |

Every part but the images may be missing, and then takes no space.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image, ImageDraw

from pipelines.figures.pixels import INK, PAPER
from pipelines.figures.text_block import TextBlock, longest_word

SIDE = 120  # usual length of the longer side of an image, pixels
GAP, MARGIN, SPACE = 10, 24, 18  # pixels: between cells, around the page, beside the images
LABEL = 230  # width of the text beside the images, at most, pixels
FONT, SMALL = 16, 12  # pixels
MUTED, STRONG, RIGHT, WRONG, RULE = "#6b7280", "#b4470f", "#1a7f37", "#b42318", "#d9d7d0"


class Cell(NamedTuple):
    """An image with a title above it and a few words below; a tick is green, a cross red."""

    picture: Image.Image
    text: str = ""
    title: str = ""


class Row(NamedTuple):
    """Images with one label."""

    label: str
    cells: Sequence[Cell]
    strong: frozenset[str] = frozenset()  # words of the label that stand out
    note: str = ""  # below the label
    aside: str = ""  # at the right
    remark: str = ""  # below the aside; a tick is green, a cross red


def sheet(
    blocks: Sequence[Sequence[Row]],
    heads: Sequence[str] = (),
    sides: tuple[str, str] = ("", ""),
) -> Image.Image:
    """A page with blocks of rows, and a line between blocks.

    Args:
        blocks: Rows that belong together; the images of the page have the same size.
        heads: Text above the columns of images, first to last; "" for none.
        sides: Text above the labels and above the asides.

    Raises:
        ValueError: there are no rows, or a row has no images.
    """
    rows = [row for block in blocks for row in block]
    if not rows or not all(row.cells for row in rows):
        raise ValueError("Expected at least one row, and an image in each.")
    width = _column_width(rows, heads)
    measured = [[_measured(row, width) for row in block] for block in blocks]
    if any((*heads, *sides)):
        measured[0].insert(0, _measured_heads(heads, sides, width))
    columns = _columns([row for block in measured for row in block], width)
    heights = [sum(row.height + GAP for row in block) for block in measured]
    bottom = MARGIN + sum(heights) - GAP + (len(blocks) - 1) * SPACE
    page = Image.new("RGB", (columns.end + MARGIN, bottom + MARGIN), PAPER)
    top = MARGIN
    for k, block in enumerate(measured):
        if k:
            ImageDraw.Draw(page).line((MARGIN, top + 1, columns.end, top + 1), RULE)
            top += SPACE
        for row in block:
            row.draw(page, columns, top)
            top += row.height + GAP
    return page


def tone(text: str) -> str:
    """The colour of a small text: green for a tick, red for a cross."""
    return {"✓": RIGHT, "✗": WRONG}.get(text[:1], MUTED)


class _Columns(NamedTuple):
    """Where the columns stand: pixels from the left edge of the page."""

    images: int  # left edge of the first image
    width: int  # of a column of images
    aside: int  # left edge
    end: int  # right edge of the last column

    def middle(self, k: int) -> int:
        """The middle of the k-th column of images."""
        return self.images + k * (self.width + GAP) + self.width // 2


@dataclass(frozen=True)
class _MeasuredRow:
    """A row whose texts are wrapped, so that its height is known."""

    label: TextBlock
    aside: TextBlock
    titles: Sequence[TextBlock]
    pictures: Sequence[Image.Image] = ()
    texts: Sequence[TextBlock] = ()

    @property
    def image_height(self) -> int:
        return max((picture.height for picture in self.pictures), default=0)

    @property
    def cell_height(self) -> int:
        return _tallest(self.titles) + self.image_height + _tallest(self.texts)

    @property
    def height(self) -> int:
        return max(self.cell_height, self.label.height, self.aside.height)

    def draw(self, page: Image.Image, columns: _Columns, top: int) -> None:
        """Draw the row with the middles of its label, cells and aside on one line."""
        for text, x in ((self.label, MARGIN), (self.aside, columns.aside)):
            text.draw(page, x, top + (self.height - text.height) // 2)
        image_top = top + (self.height - self.cell_height) // 2 + _tallest(self.titles)
        for k, title in enumerate(self.titles):
            title.draw(page, columns.middle(k), image_top - title.height, centred=True)
        for k, picture in enumerate(self.pictures):
            page.paste(picture, (columns.middle(k) - picture.width // 2, image_top))
        for k, text in enumerate(self.texts):
            below = image_top + self.image_height + 3
            text.draw(page, columns.middle(k), below, centred=True)


def _measured(row: Row, width: int) -> _MeasuredRow:
    label = TextBlock.wrap(row.label, FONT, LABEL, INK, row.strong, STRONG)
    aside = TextBlock.wrap(row.aside, FONT, LABEL, INK)
    return _MeasuredRow(
        label=label + TextBlock.wrap(row.note, SMALL, LABEL, tone(row.note)),
        aside=aside + TextBlock.wrap(row.remark, SMALL, LABEL, tone(row.remark)),
        titles=[TextBlock.wrap(cell.title, FONT, width, INK) for cell in row.cells],
        pictures=[cell.picture for cell in row.cells],
        texts=[TextBlock.wrap(cell.text, SMALL, width, tone(cell.text)) for cell in row.cells],
    )


def _measured_heads(heads: Sequence[str], sides: tuple[str, str], width: int) -> _MeasuredRow:
    """The texts above the columns, as a row without images."""
    label, aside = (TextBlock.wrap(side, SMALL, LABEL, INK) for side in sides)
    return _MeasuredRow(label, aside, [TextBlock.wrap(head, SMALL, width, INK) for head in heads])


def _columns(rows: Sequence[_MeasuredRow], width: int) -> _Columns:
    labels = max(row.label.width for row in rows)
    asides = max(row.aside.width for row in rows)
    images = MARGIN + (labels + SPACE if labels else 0)
    right = images + max(len(row.pictures) for row in rows) * (width + GAP) - GAP
    return _Columns(images, width, right + SPACE, right + SPACE + asides if asides else right)


def _column_width(rows: Sequence[Row], heads: Sequence[str]) -> int:
    """The width that every image, and every word above or below one, fits into."""
    cells = [cell for row in rows for cell in row.cells]
    small = [*heads, *(cell.text for cell in cells)]
    return max(
        *(cell.picture.width for cell in cells),
        *(longest_word(cell.title, FONT) for cell in cells),
        *(longest_word(text, SMALL) for text in small),
    )


def _tallest(texts: Sequence[TextBlock]) -> int:
    return max((text.height for text in texts), default=0)
