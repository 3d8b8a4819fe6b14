"""The order in which the parts of a line stand from left to right.

Unicode's bidirectional algorithm for whole words: within a word, the text engine applies it.
"""

import unicodedata
from collections.abc import Sequence
from itertools import groupby

_LEFT, _RIGHT, _NUMBER, _NEUTRAL = "left to right", "right to left", "number", "neutral"
_KINDS = {"L": _LEFT, "R": _RIGHT, "AL": _RIGHT, "EN": _NUMBER, "AN": _NUMBER}


def visual_order(parts: Sequence[str], right_to_left: bool | None = None) -> list[int]:
    """The indices of the parts of a line from left to right.

    Args:
        parts: words and spaces in the order in which they are read.
        right_to_left: direction of the text; None takes that of the line.
    """
    if right_to_left is None:
        right_to_left = is_right_to_left("".join(parts))
    kinds = _resolved([_kind(part) for part in parts], _RIGHT if right_to_left else _LEFT)
    places = list(range(len(parts)))
    runs = [list(run) for _, run in groupby(places, lambda k: kinds[k])]
    if right_to_left:
        runs = runs[::-1]
    return [k for run in runs for k in (run[::-1] if kinds[run[0]] == _RIGHT else run)]


def is_right_to_left(text: str) -> bool:
    """Whether the first letter that has a direction is of Hebrew, Arabic or the like."""
    return _kind(text) == _RIGHT


def _kind(part: str) -> str:
    """The direction of the first letter that has one."""
    kinds = [_KINDS.get(unicodedata.bidirectional(letter), _NEUTRAL) for letter in part]
    strong = [kind for kind in kinds if kind in (_LEFT, _RIGHT)]
    weak = _NUMBER if _NUMBER in kinds else _NEUTRAL
    return strong[0] if strong else weak


def _resolved(kinds: Sequence[str], base: str) -> list[str]:
    """The direction of each part: a number follows the word before, a mark its neighbours."""
    before, found = base, []
    for kind in kinds:
        before = kind if kind in (_LEFT, _RIGHT) else before
        found.append(before if kind == _NUMBER else kind)
    for k, kind in enumerate(found):
        if kind == _NEUTRAL:
            after = next((other for other in found[k:] if other != _NEUTRAL), base)
            before = found[k - 1] if k else base
            found[k] = before if before == after else base
    return found
