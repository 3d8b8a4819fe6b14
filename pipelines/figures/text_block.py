"""Text for the pages that Pillow draws: wrapped into lines, measured, then drawn."""

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import matplotlib
from PIL import ImageDraw, ImageFont

LEADING = 6  # pixels added to the size of a font for the height of a line


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib and so exists on every machine; size in pixels."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), size)


def wrapped(text: str, face: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """The text in lines of at most `width` pixels; a wider word gets a line of its own."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if face.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line]


def longest_word(text: str, size: int) -> int:
    """Width of the text's longest word, in pixels; 0 for a text without words."""
    return math.ceil(max(map(font(size).getlength, text.split()), default=0))


class Line(NamedTuple):
    """A line of text."""

    words: tuple[tuple[str, str], ...]  # (word, colour)
    size: int  # of the font, pixels

    @property
    def width(self) -> float:
        """Width in pixels."""
        return font(self.size).getlength(" ".join(word for word, _ in self.words))


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
                Line(tuple(map(coloured, line.split())), size)
                for line in wrapped(text, font(size), width)
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

    def draw(self, draw: ImageDraw.ImageDraw, x: float, y: float, *, centred: bool = False) -> None:
        """Draw the lines from the top y on, from the left edge x or, if `centred`, about x."""
        for line in self.lines:
            face = font(line.size)
            left = x - line.width / 2 if centred else x
            for word, colour in line.words:
                draw.text((left, y), word, colour, face, "la")
                left += face.getlength(f"{word} ")
            y += line.size + LEADING
