"""Commands and flags in hints and errors, as the user types them: with `t2i`, say."""

from collections.abc import Callable
from contextvars import ContextVar

SHORT_FLAGS = {"--likelihood": "--model.likelihood"}
"""Flags of `train` that stand for a longer one."""

_retyped: ContextVar[Callable[[str], str]] = ContextVar("retyped", default=str)


def type_as(retyped: Callable[[str], str] | None) -> None:
    """Take the function that puts commands of a text into the user's form; None changes none."""
    _retyped.set(retyped or str)


def as_typed(text: str) -> str:
    """The text, with its commands in the user's form."""
    return _retyped.get()(text)


def flag_of(setting: str) -> str:
    """The flag of a setting of `TrainConfig`, the short one where there is one.

    >>> flag_of("batch_size"), flag_of("model.likelihood")
    ('--batch-size', '--likelihood')
    """
    full = f"--{setting}".replace("_", "-")
    return next((short for short, long in SHORT_FLAGS.items() if long == full), full)
