"""Text for the pages that Pillow draws: wrapped into lines, measured, then drawn."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image

from pipelines.figures.lettering.glyphs import draw_text, length
from pipelines.figures.lettering.reading_order import is_right_to_left, visual_order
from t2i_tf.text.scripts import units

# Where a line does not begin or end: small kana, marks; vowels of Thai and Lao, brackets.
_NEVER_FIRST = (
    "、。，．：；！？）］｝」』】〉》’”・ー々〻ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ"
    "ะาๅๆฯະາໆฯ,.!?:;)%"
)
_NEVER_LAST = "（［｛「『【〈《‘“เแโใไເແໂໃໄ("
LEADING = 6  # pixels added to the size of a font for the height of a line


def wrapped(text: str, size: int, width: int) -> list[str]:
    """The text in lines of at most `width` pixels; a wider word gets a line of its own.

    In a script without spaces, a line may end after any letter.
    """
    lines = [""]
    for word in text.split():
        pieces = [word] if length(word, size) <= width else _breakable(word)
        for k, piece in enumerate(pieces):
            longer = f"{lines[-1]} {piece}".strip() if k == 0 else lines[-1] + piece
            if length(longer, size) <= width:
                lines[-1] = longer
            else:
                lines.append(piece)
    return [line for line in lines if line]


def _breakable(word: str) -> list[str]:
    """A word in pieces between which a line may end: letters of a script without spaces."""
    pieces: list[str] = []
    for unit in units(word):
        if pieces and (unit[0] in _NEVER_FIRST or pieces[-1][-1] in _NEVER_LAST):
            pieces[-1] += unit
        else:
            pieces.append(unit)
    return pieces


def longest_word(text: str, size: int) -> int:
    """Width of the text's longest word, in pixels; 0 for a text without words.

    In a script without spaces, that of its widest letter.
    """
    return math.ceil(
        max((length(piece, size) for word in text.split() for piece in _breakable(word)), default=0)
    )


class Line(NamedTuple):
    """A line of text."""

    words: tuple[tuple[str, str], ...]  # (word, colour)
    size: int  # of the font, pixels
    right_to_left: bool = False

    @property
    def width(self) -> float:
        """Width in pixels."""
        return length(" ".join(word for word, _ in self.words), self.size)


@dataclass(frozen=True)
class TextBlock:
    """Lines of text below each other; the sum of two blocks is one block."""

    lines: tuple[Line, ...] = ()

    @classmethod
    def wrap(
        cls,
        text: str,
        size: int,
        width: int,
        colour: str,
        strong: frozenset[str] = frozenset(),
        strong_colour: str = "",
    ) -> "TextBlock":
        """The text in lines of at most `width` pixels.

        Args:
            text: The text; "" gives a block without lines.
            size: Size of the font, in pixels.
            width: Maximum width of a line, in pixels; only a single word may be wider.
            colour: Colour of the words.
            strong: Words to highlight.
            strong_colour: Colour of the highlighted words.
        """

        def coloured(word: str) -> tuple[str, str]:
            return word, strong_colour if word in strong else colour

        return cls(
            tuple(
                Line(tuple(map(coloured, line.split())), size, is_right_to_left(text))
                for line in wrapped(text, size, width)
            )
        )

    def __add__(self, below: "TextBlock") -> "TextBlock":
        return TextBlock(self.lines + below.lines)

    @property
    def width(self) -> int:
        """Width of the widest line, in pixels."""
        return math.ceil(max((line.width for line in self.lines), default=0))

    @property
    def height(self) -> int:
        """Height in pixels, a little space below the last line included."""
        return sum(line.size + LEADING for line in self.lines)

    def draw(self, page: Image.Image, x: float, y: float, *, centred: bool = False) -> None:
        """Draw the lines from the top y on, from the left edge x or, if `centred`, about x.

        Lines that are read from right to left end at the right edge of the block.
        """
        right = x + self.width
        for line in self.lines:
            begin = right - line.width if line.right_to_left else x
            left = x - line.width / 2 if centred else begin
            # Spaces are parts too: their place depends on the words around them.
            parts = [part for word in line.words for part in (word, (" ", word[1]))][:-1]
            for k in visual_order([text for text, _ in parts], line.right_to_left):
                word, colour = parts[k]
                draw_text(page, left, y, word, line.size, colour)
                left += length(word, line.size)
            y += line.size + LEADING
