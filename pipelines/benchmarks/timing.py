"""Times of several things that take turns, so that all of them meet the same machine."""

import time
from collections.abc import Callable, Sequence
from statistics import median


def median_seconds(runs: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Median seconds of each run over `repeats` rounds, after two rounds to warm up."""
    rounds = [[_seconds(run) for run in runs] for _ in range(2 + repeats)][2:]
    return [median(times) for times in zip(*rounds, strict=True)]


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
