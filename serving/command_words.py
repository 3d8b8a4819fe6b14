"""The words of a command line: empty ones, and those that begin with ~."""

import os
from collections.abc import Collection, Sequence


def with_home(words: Sequence[str]) -> list[str]:
    """The words, with the home folder for a ~ that the shell has left.

    No shell expands it in quotes, and bash does not in `--out=~/x`: as a path it would be a folder
    of this name in the current one.
    """
    return [_with_home(word) for word in words]


def _with_home(word: str) -> str:
    flag, equals, value = word.partition("=")
    if flag.startswith("--") and equals:
        return f"{flag}={os.path.expanduser(value)}"
    return os.path.expanduser(word)


def empty_value(words: Sequence[str], allowed: Collection[str] = ()) -> str | None:
    """A sentence about the first empty value of a command line; None if there is none.

    It is that of `--workdir "$RUN"`, say, where RUN is not set. As a path it would be the current
    folder, and elsewhere as if the flag were not there.

    Args:
        words: The words after the command.
        allowed: Flags of which an empty value means something.

    >>> empty_value(["a bus", "--workdir", ""])
    'Expected a value for --workdir, got an empty string.'
    """
    before = ""
    for number, word in enumerate(words, start=1):
        joined = word.startswith("--") and word.endswith("=")  # --flag=
        flag = (word[:-1] if joined else before).replace("_", "-")
        if (joined or not word) and flag not in allowed:
            where = f"for {flag}" if flag.startswith("--") else f"as argument {number}"
            return f"Expected a value {where}, got an empty string."
        before = word
    return None
