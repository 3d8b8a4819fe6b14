"""The values of flags, from the words of a command line. Each raises argparse's own error."""

import argparse
import math
from collections.abc import Callable

MAX_PORT = 65_535
MAX_INT32 = 2**31 - 1  # what gRPC and TensorFlow hold most numbers in
MAX_SECONDS = 1e9  # 31 years; clocks of the system take little more


def boolean(word: str) -> bool:
    """True or false, as TensorFlow Serving writes it, or 1 or 0."""
    if word.lower() in ("true", "1"):
        return True
    if word.lower() in ("false", "0"):
        return False
    raise argparse.ArgumentTypeError(f"expected true or false, got {word!r}")


def whole_number(word: str) -> int | None:
    """A whole number in ASCII digits; None for any other word. `int` reads every script's."""
    digits = word.removeprefix("-")
    return int(word) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None


def port(word: str) -> int:
    """A TCP port, or 0."""
    number = whole_number(word)
    if number is not None and 0 <= number <= MAX_PORT:
        return number
    raise argparse.ArgumentTypeError(f"expected a port from 0 to {MAX_PORT}, got {word!r}")


def at_least(least: int) -> Callable[[str], int]:
    """Whole numbers from `least` to the largest of 32 bits."""

    def convert(word: str) -> int:
        number = whole_number(word)
        if number is not None and least <= number <= MAX_INT32:
            return number
        raise argparse.ArgumentTypeError(
            f"expected a whole number from {least} to {MAX_INT32}, got {word!r}"
        )

    return convert


def seconds(word: str) -> float:
    """A time, in seconds."""
    return _number(word, MAX_SECONDS, f"seconds from 0 to {MAX_SECONDS:.0f}")


def fraction(word: str) -> float:
    """A number from 0 to 1."""
    return _number(word, 1, "a number from 0 to 1")


def _number(word: str, most: float, expected: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if word.isascii() and 0 <= number <= most:
        return number
    raise argparse.ArgumentTypeError(f"expected {expected}, got {word!r}")
