"""Text of one colour on one line, drawn with the shapes that its script asks for.

Plain text is Pillow's work. Everything else goes through matplotlib's text engine, which brings
its own libraries for shapes and directions; those of Pillow may be missing on a system.
"""

import math
import re
import warnings
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.font_manager import get_font
from matplotlib.ft2font import LoadFlags
from PIL import Image, ImageDraw, ImageFont

from pipelines.figures.lettering.fonts import font, fonts_for, is_plain
from pipelines.figures.lettering.reading_order import visual_order
from t2i_tf.text.scripts import EMOJI

_POINTS = 72  # an inch, so that a font's size is in pixels
_PARTS = 64  # of a pixel, FreeType's unit
_STRIKES = (109, 128, 136, 160, 96, 72, 64, 32)  # sizes that fonts of small pictures come in
_split_emoji = re.compile(f"((?:{EMOJI}))").split


class _Glyphs(NamedTuple):
    """A drawn text: its shapes as opacity, or in colours of its own."""

    image: Image.Image  # L or RGBA
    left: int  # of the image, from where the text begins, pixels
    top: int  # of the image, from the baseline, pixels, negative above it
    advance: float  # to where the text ends, pixels


def length(text: str, size: int) -> float:
    """Width of a text, in pixels."""
    if is_plain(text):
        return font(size).getlength(text)
    return sum(_glyphs(part, size).advance for part in _parts(text))


def draw_text(page: Image.Image, x: float, y: float, text: str, size: int, colour: str) -> None:
    """Draw a text with its left edge at x and the top of its tallest letters at y."""
    pen = ImageDraw.Draw(page)
    if is_plain(text):
        pen.text((x, y), text, colour, font(size), "la")
        return
    baseline = y + font(size).getmetrics()[0]
    parts = _parts(text)
    for k in visual_order(parts):
        glyphs = _glyphs(parts[k], size)
        place = round(x + glyphs.left), round(baseline + glyphs.top)
        if glyphs.image.mode == "L":
            pen.bitmap(place, glyphs.image, colour)
        else:
            page.paste(glyphs.image, place, glyphs.image)
        x += glyphs.advance


def text_image(text: str, size: int, colour: str) -> Image.Image:
    """A text on a transparent page of its own, RGBA."""
    ascent, descent = font(size).getmetrics()
    page = Image.new("RGBA", (max(1, math.ceil(length(text, size))), ascent + descent))
    draw_text(page, 0, 0, text, size, colour)
    return page


def _parts(text: str) -> list[str]:
    """Emoji, which may have a font of their own, and what is between them."""
    return [part for part in _split_emoji(text) if part]


@lru_cache(4096)
def _glyphs(text: str, size: int) -> _Glyphs:
    fonts = fonts_for(text)
    if fonts.pictures and _split_emoji(text)[0] == "":
        return _small_pictures(text, size, fonts.pictures)
    face = get_font(fonts.outlines)
    face.set_size(size, _POINTS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of missing glyphs, which are said elsewhere
        face.set_text(text, 0, LoadFlags.FORCE_AUTOHINT)
    face.draw_glyphs_to_bitmap(antialiased=True)
    image = np.asarray(face.get_image())
    left = face.get_bitmap_offset()[0] / _PARTS
    width, height = face.get_width_height()
    top = -((height - face.get_descent()) // _PARTS + 1)
    advance = max(width / _PARTS, image.shape[1] + left)
    return _Glyphs(Image.fromarray(image), round(left), top, advance)


def _small_pictures(text: str, size: int, path: str) -> _Glyphs:
    """Emoji as the pictures of a font, made as large as letters."""
    face = _strike(path)
    box = face.getbbox(text)
    image = Image.new("RGBA", (max(1, math.ceil(box[2])), max(1, math.ceil(box[3]))))
    ImageDraw.Draw(image).text((0, 0), text, font=face, embedded_color=True)
    image = image.crop(image.getbbox() or (0, 0, 1, 1))
    height = math.ceil(size * 1.1)
    width = max(1, round(image.width * height / image.height))
    image = image.resize((width, height), Image.Resampling.LANCZOS)
    return _Glyphs(image, 1, -round(size * 0.92), width + 2)


@lru_cache
def _strike(path: str) -> ImageFont.FreeTypeFont:
    for size in _STRIKES:
        try:
            return ImageFont.truetype(path, size)
        except OSError:
            continue
    return font(16)
