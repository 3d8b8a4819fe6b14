"""Which characters are spaces, marks and letters, and where scripts without spaces are cut.

One pattern serves Python's `re` and RE2, the engine of TensorFlow. Ranges of code points, as the
two engines disagree on \\s, \\w and \\p.
"""

import re
from collections.abc import Iterable


def _for_both(pattern: str) -> str:
    """Replace \\uXXXX and \\UXXXXXXXX by the character, as RE2 has no such escapes."""
    escape = re.compile(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")
    return escape.sub(lambda match: chr(int(match[1] or match[2], 16)), pattern)


_SPACE = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200b\u2028-\u202f\u205f\u3000\ufeff"
_MARK = (
    r"!-/:-@\[-`{-~\xa1-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb\xbf\xd7\xf7"
    r"\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u3001-\u3003\u3008-\u301f"
    r"\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
# Marks of further scripts: Armenian, Hebrew, Arabic, Devanagari's dandas, Thai, Tibetan, Myanmar,
# Ethiopic, Khmer, Mongolian; the middle dot of katakana.
_FURTHER_MARK = (
    r"\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05c6\u060c\u060d\u061b\u061d-\u061f\u066a-\u066d"
    r"\u06d4\u0964\u0965\u0e4f\u0e5a\u0e5b\u0f0d-\u0f14\u104a-\u104f\u1361-\u1368\u17d4-\u17d6"
    r"\u17d8-\u17da\u1800-\u180a\u2e00-\u2e5d\u30fb\ufe10-\ufe19\ufe30-\ufe6b"
)
_TIBETAN_SPACE = r"\u0f0b\u0f0c"  # dots between syllables
# Where a word may break and which way it runs: no letters.
_INVISIBLE = r"\xad\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f"
# Which shape of a letter is meant, or whether an emoji has colours.
_VARIANT = r"\ufe00-\ufe0f"

# Letters of scripts that put no spaces between words: Thai, Lao, Myanmar, Khmer; Han,
# kana and bopomofo. Beside them emoji.
_FLAG = r"\U0001f1e6-\U0001f1ff"
_WRITTEN = (
    r"\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ebd\u0ec0-\u0ecf\u0edc-\u0edf"
    r"\u1000-\u103f\u1050-\u109f\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa7f\u1780-\u17d3\u17d7\u17dc\u17dd"
    r"\u2e80-\u2fdf\u3005-\u3007\u3021-\u302f\u3031-\u303c\u3041-\u30fa\u30fc-\u312f\u31a0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00016ff0-\U00018cff\U0001aff0-\U0001b16f"
    r"\U00020000-\U0003ffff"
)
_PICTURES = (
    r"\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001f1e5\U0001f200-\U0001faff" + _FLAG
)
_UNSPACED = _WRITTEN + _PICTURES
# What belongs to the letter before it: vowels and tones, voicing, skin tones, keycaps, variants.
_EXTENDING = (
    r"\u0300-\u036f\u0e31\u0e33-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb3-\u0ebc\u0ec8-\u0ece"
    r"\u102b-\u103e\u1056-\u1059\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d"
    r"\u108f\u109a-\u109d\u17b4-\u17d3\u17dd\u200d\u20e3\u302a-\u302f\u3099\u309a\uff9e\uff9f"
    r"\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\U000e0100-\U000e01ef"
)
_JOINING = r"\u1039\u17d2\u200d"  # binds the letter after it too

_LETTERS = rf"[^{_SPACE}{_MARK}]+"
SPACES = _for_both(rf"[{_SPACE}]+")
WORD = _for_both(rf"{_LETTERS}(?:['\u2019]{_LETTERS})*|[{_MARK}]")

INVISIBLE = _for_both(f"[{_INVISIBLE}]+")
UNSEEN = _for_both(f"[{_INVISIBLE}{_VARIANT}]+")
FURTHER_SPACES = _for_both(f"[{_SPACE}{_TIBETAN_SPACE}]+")
UNIT = _for_both(f"[{_FLAG}][{_FLAG}]|[{_UNSPACED}](?:[{_JOINING}][{_UNSPACED}]|[{_EXTENDING}])*")
EMOJI = _for_both(
    rf"[{_FLAG}][{_FLAG}]|[{_PICTURES}](?:[{_JOINING}][{_PICTURES}]|[{_EXTENDING}\ufe0f])*"
)
_SPACED = rf"[^{_SPACE}{_TIBETAN_SPACE}{_MARK}{_FURTHER_MARK}{_UNSPACED}]+"
# A run of letters without spaces is one piece, to be cut into words by what is known.
PIECE = f"(?:{UNIT})+|" + _for_both(rf"{_SPACED}(?:['\u2019]{_SPACED})*|[{_MARK}{_FURTHER_MARK}]")
WITHOUT_SPACES = _for_both(f"[{_WRITTEN}]{{2}}")  # found where a dictionary is needed
CURLED = "\u2019"  # the typographer's apostrophe, read as the plain one

_split_at_units = re.compile(f"({UNIT})").split
_find_emoji = re.compile(EMOJI).search
_is_blank = re.compile(_for_both(f"[{_SPACE}{_INVISIBLE}]*")).fullmatch
_is_unspaced = re.compile(f"(?:{UNIT})+").fullmatch


def is_blank(text: str) -> bool:
    """Whether a caption has nothing to read, as "" and a zero-width space: the empty caption."""
    return _is_blank(text) is not None


def is_mark(word: str) -> bool:
    """Whether a word is a punctuation mark: no letter, digit or emoji."""
    return not any(map(str.isalnum, word)) and not _find_emoji(word)


def units(piece: str) -> list[str]:
    """The letters of a piece in a script without spaces, each with its signs; others are one."""
    return [unit for unit in _split_at_units(piece) if unit]


def longest_unspaced(words: Iterable[str]) -> int:
    """Letters of the longest word in a script without spaces; 0 without such words."""
    return max((len(units(word)) for word in words if _is_unspaced(word)), default=0)
