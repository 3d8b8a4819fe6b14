"""Empty strings on a command line, such as that of `--workdir "$RUN"` where RUN is not set."""

from collections.abc import Collection, Sequence


def empty_value(words: Sequence[str], allowed: Collection[str] = ()) -> str | None:
    """A sentence about the first empty value of a command line; None if there is none.

    As a path it would be the current folder, and elsewhere as if the flag were not there.

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
