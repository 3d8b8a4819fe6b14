"""Commands in hints and errors, as the user types them: with `python -m serving` or `t2i`."""

from collections.abc import Callable
from contextvars import ContextVar

_retyped: ContextVar[Callable[[str], str]] = ContextVar("retyped", default=str)


def type_as(retyped: Callable[[str], str] | None) -> None:
    """Take the function that puts commands of a text into the user's form; None changes none."""
    _retyped.set(retyped or str)


def as_typed(text: str) -> str:
    """The text, with its commands in the user's form."""
    return _retyped.get()(text)
