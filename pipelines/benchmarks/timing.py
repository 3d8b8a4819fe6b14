"""Times functions in turn, so that a change in the machine's load affects all of them alike."""

import time
from collections.abc import Callable, Sequence
from statistics import median


def median_seconds(functions: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Median seconds of each function over `repeats` rounds, after two rounds to warm up."""
    rounds = [[_seconds(function) for function in functions] for _ in range(2 + repeats)][2:]
    return [median(times) for times in zip(*rounds, strict=True)]


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
