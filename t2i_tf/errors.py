"""Errors that a user can fix. Messages say what was expected, what was found, what to do."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A failure caused by input or machine, shown without a traceback. Commands exit with 1."""

    exit_code = 1


class UsageError(UserError):
    """A wrong command line or wrong arguments. Commands exit with 2."""

    exit_code = 2


def first_line(error: object) -> str:
    """What an error of a library says first; its name if it says nothing.

    >>> first_line(ValueError("no such thing\\nand pages of more"))
    'no such thing'
    >>> first_line(MemoryError())
    'MemoryError'
    """
    return str(error).strip().partition("\n")[0] or type(error).__name__


def install_extra(extra: str) -> str:
    """How to install the packages of an extra, from a checkout and without one.

    >>> install_extra("hub")
    "`pip install -r requirements-hub.txt`, or outside a checkout `pip install 't2i-tf[hub]'`"
    """
    return (
        f"`pip install -r requirements-{extra}.txt`, or outside a checkout"
        f" `pip install 't2i-tf[{extra}]'`"
    )


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """A hint with the closest choice, or with all of them if none is close.

    >>> did_you_mean("align-draw-scene", ["align-draw-scenes", "align-draw-coco"])
    "Did you mean 'align-draw-scenes'?"
    """
    choices = sorted(choices)
    close = difflib.get_close_matches(name, choices, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Choose one of: {', '.join(choices)}."
