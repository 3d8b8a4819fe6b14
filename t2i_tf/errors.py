"""Errors that a user can mend: what was expected, what came, what to do."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A failure caused by input or machine, told without a traceback. Commands exit with 1."""

    exit_code = 1


class UsageError(UserError):
    """A command or call that was put wrongly. Commands exit with 2."""

    exit_code = 2


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """A hint that names the closest choice, or lists all of them.

    >>> did_you_mean("align-draw-scene", ["align-draw-scenes", "align-draw-coco"])
    "Did you mean 'align-draw-scenes'?"
    """
    choices = sorted(choices)
    close = difflib.get_close_matches(name, choices, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Choose one of: {', '.join(choices)}."
