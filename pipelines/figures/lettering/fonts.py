"""Fonts that have the letters of a text: DejaVu Sans, and those of the system for the rest."""

import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

import matplotlib
from matplotlib.font_manager import findSystemFonts
from matplotlib.ft2font import FT2Font
from PIL import ImageFont

# Comes with matplotlib and so exists on every machine.
DEJAVU = str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
_UNSEEN = ("Cc", "Cf", "Zs")  # categories of characters that need no glyph
_VARIANTS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))  # which shape a letter is to have
_USUAL = ("sans", "regular", "noto")  # in the names of fonts that suit a figure
_SLANTED = ("bold", "italic", "oblique", "black", "light", "thin", "mono", "serif")

_said: set[str] = set()


class Fonts(NamedTuple):
    """Fonts for a text."""

    outlines: tuple[str, ...]  # files, DejaVu Sans first
    pictures: str | None = None  # file of a font whose emoji are small pictures


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans; size in pixels."""
    return ImageFont.truetype(DEJAVU, size)


def is_plain(text: str) -> bool:
    """Whether DejaVu Sans has the text, and each letter has one shape, from left to right."""
    has = _characters(DEJAVU)
    return all(
        ord(letter) in has
        and (letter < "\u0300" or "\u0370" <= letter < "\u0590" or "\u1e00" <= letter < "\u2c00")
        for letter in text
    )


def fonts_for(text: str) -> Fonts:
    """Fonts that have the letters of a text; prints, once, which letters none has."""
    needed = frozenset(filter(_is_seen, text))
    found, missing = _find(needed)
    _say_missing(missing)
    return found


def _is_seen(letter: str) -> bool:
    variant = any(ord(letter) in variants for variants in _VARIANTS)
    return not variant and unicodedata.category(letter) not in _UNSEEN


def _say_missing(letters: frozenset[str]) -> None:
    new = {c: script for c in sorted(letters) if (script := _script(c)) not in _said}
    if new:
        _said.update(new.values())
        print(
            f"Figures show boxes for {', '.join(sorted(set(new.values())))} ({''.join(new)}): no"
            " font of this machine has them. Install one that has, such as Noto Sans (in Debian"
            " fonts-noto-core, fonts-noto-cjk, fonts-noto-color-emoji)."
        )


def _script(letter: str) -> str:
    """The script of a letter, roughly: the first word of its name."""
    if unicodedata.category(letter) in ("So", "Sk", "Me"):
        return "emoji and symbols"
    name = unicodedata.name(letter, "unnamed").split()[0].split("-")[0]
    return name if name == "CJK" else name.capitalize()


@cache
def _find(needed: frozenset[str]) -> tuple[Fonts, frozenset[str]]:
    """Fonts for characters, and those that none has."""
    missing = {c for c in needed if ord(c) not in _characters(DEJAVU)}
    outlines, pictures = [DEJAVU], None
    for path in _system_fonts() if missing else ():
        has = {c for c in missing if ord(c) in _characters(path)}
        if has and (_has_outlines(path) or pictures is None):
            missing -= has
            if _has_outlines(path):
                outlines.append(path)
            else:
                pictures = path
        if not missing:
            break
    return Fonts(tuple(outlines), pictures), frozenset(missing)


@cache
def _system_fonts() -> tuple[str, ...]:
    """Files of the system's fonts, those first that suit a figure."""

    def rank(path: str) -> tuple[int, str]:
        name = Path(path).stem.lower()
        return sum(s in name for s in _SLANTED) - sum(u in name for u in _USUAL), path

    return tuple(sorted(findSystemFonts(), key=rank))


@cache
def _characters(path: str) -> frozenset[int]:
    """Code points that a font has; none if it cannot be read."""
    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()


@cache
def _has_outlines(path: str) -> bool:
    return bool(FT2Font(path).scalable)
