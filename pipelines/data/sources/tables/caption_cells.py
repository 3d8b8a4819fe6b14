"""The captions in one cell: a text, a list, or a list that was written as text.

pandas writes a list as `['A dog', "It's a dog"]` and a set in braces, NumPy an array as
`['A dog' 'It runs']`, with or without `array(...)`, others JSON; each is read as the captions that
it holds.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from pipelines.data.sources.notes import Notes
from t2i_tf.errors import UserError

LISTS = "Cells with a list of captions, read as its captions"
BRACKETED = "Captions in brackets, which are read as a part of the caption"

_LITERAL = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_NONE = r"(?:(?:nan|None|null)\s*,?\s*)*"
_LIST = re.compile(rf"""\s*[\[({{]\s*{_NONE}(?:['"].*['"]\s*,?\s*{_NONE})?[\])}}]\s*""", re.DOTALL)
_BEGUN = re.compile(r"""\s*[\[({]\s*['"]""")
_WRAPPED = re.compile(
    r"\s*(?:array|set|frozenset|list|tuple)\((.*?)(?:,\s*dtype=[^,]+)?\)\s*", re.DOTALL
)
_TEXT_KEYS = ("raw", "caption", "text", "sentence")  # of a caption that is an object


def captions_in_cell(cell: Any, where: str, field: str, notes: Notes) -> list[str]:
    """The captions of a cell.

    Args:
        cell: A text, a list of texts or of objects with a text, or None.
        where: Place of the cell, for errors.
        field: Name of its column.
        notes: Where lists are counted.

    Raises:
        UserError: the cell holds something else, or a list that cannot be read.
    """
    if cell is None:
        return []
    if isinstance(cell, str):
        listed = captions_in_text(cell, where)
        if listed is not None:
            notes.count(LISTS, where)
        elif cell.strip()[:1] + cell.strip()[-1:] in ("[]", "{}"):
            notes.count(BRACKETED, where)
        return [cell] if listed is None else listed
    if isinstance(cell, Sequence) and not isinstance(cell, bytes):
        texts = [_text_of(one) for one in cell if one is not None]
        if all(isinstance(text, str) for text in texts):
            return texts
    raise UserError(
        f"{where}: wrong schema: Expected `str`, got `{json_type(cell)}` - at `$.{field}`."
    )


def captions_in_text(text: str, where: str) -> list[str] | None:
    """The texts of a list that is written as text; None if the text is no list.

    Raises:
        UserError: it begins as a list but cannot be read as one.
    """
    wrapped = _WRAPPED.fullmatch(text)
    text = wrapped[1] if wrapped and _BEGUN.match(wrapped[1]) else text
    if not _LIST.fullmatch(text):
        if _BEGUN.match(text) and text.rstrip()[-1] in "])}":
            raise _unreadable(where)
        return None
    try:
        return msgspec.json.decode(text, type=list[str])
    except msgspec.MsgspecError:
        pass
    between = _LITERAL.sub("", text).strip()[1:-1]
    if re.sub(_NONE, "", between).strip(", \t\r\n"):
        raise _unreadable(where)
    return [ast.literal_eval(literal) for literal in _LITERAL.findall(text)]


def _unreadable(where: str) -> UserError:
    return UserError(
        f"{where}: the caption looks like a list, but cannot be read as one: its quotes do not"
        " match, or more than commas is between them. Write a JSON list"
        ' such as ["A dog", "It runs"].'
    )


def _text_of(one: Any) -> Any:
    if isinstance(one, Mapping):
        return next((one[key] for key in _TEXT_KEYS if key in one), one)
    return one


def json_type(value: Any) -> str:
    """The name of a value's type, as JSON schemas have it."""
    names = {bool: "bool", int: "int", float: "float", list: "array", dict: "object"}
    return names.get(type(value), type(value).__name__)
