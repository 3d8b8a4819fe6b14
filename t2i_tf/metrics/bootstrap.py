"""Bootstrap intervals: how an estimate varies when its rows are resampled."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Interval(NamedTuple):
    """The limits of an estimate, in its unit."""

    low: float
    high: float


def bootstrap_interval(
    rows: np.ndarray,
    statistic: Callable[[np.ndarray], float] = np.mean,
    *,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """The percentile bootstrap interval (Efron 1979) of a statistic of rows.

    Each resample draws N rows with replacement; the interval is the middle `level` of the
    statistics of all resamples. Rows must be independent: numbers of the same image or caption
    belong in one row.

        bootstrap_interval(bounds)                                          a mean
        bootstrap_interval(ranks, lambda sample: recall_at_k(sample, 10))   a recall
        bootstrap_interval(np.stack([a, b], 1), lambda sample: np.mean(sample[:, 0] - sample[:, 1]))
                                    the paired difference of two systems on the same images

    Args:
        rows: [N, ...], N >= 2.
        statistic: rows [N, ...] to a number.
        level: share of the statistics inside the interval, between 0 and 1.
        draws: number of resamples. With 2000, the seed moves the limits by about 1.5 % of the
            interval's width.
        seed: seed of the resampling.

    Raises:
        ValueError: there are fewer than two rows, no resamples, or `level` is not between 0 and 1.
    """
    rows = np.asarray(rows)
    if len(rows) < 2:
        raise ValueError(f"Expected at least two rows, got {len(rows)}.")
    if not 0 < level < 1 or draws < 1:
        raise ValueError(f"Expected 0 < level < 1 and draws >= 1, got {level} and {draws}.")
    random = np.random.default_rng(seed)
    samples = (rows[random.integers(len(rows), size=len(rows))] for _ in range(draws))
    statistics = np.fromiter(map(statistic, samples), np.float64, draws)
    low, high = np.quantile(statistics, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
