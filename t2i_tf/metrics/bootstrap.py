"""How sure a figure is: its interval under resampling of the rows that it was computed of."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Interval(NamedTuple):
    """Where a figure lies; in the figure's unit."""

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
    """The percentile bootstrap (Efron 1979) of any figure that is computed of rows.

    As many rows as there are, drawn with replacement, give the figure once; the interval holds the
    middle `level` of many such figures. Rows must be independent: where several numbers belong to
    one picture or caption, they are one row.

        bootstrap_interval(bounds)                                      a mean
        bootstrap_interval(ranks, lambda drawn: recall_at_k(drawn, 10)) recall
        bootstrap_interval(np.stack([a, b], 1), lambda drawn: np.mean(drawn[:, 0] - drawn[:, 1]))
                                                two systems on the same pictures, row by row

    Args:
        rows: [N, ...], N >= 2.
        statistic: of rows [N, ...], the figure.
        level: the share of figures inside, between 0 and 1.
        draws: figures computed. With 2000, other seeds move the ends by about 1.5 % of the width.
        seed: of the draws: the same seed gives the same interval.

    Raises:
        ValueError: fewer than two rows, or a level that is no share.
    """
    rows = np.asarray(rows)
    if len(rows) < 2:
        raise ValueError(f"Expected at least two rows, got {len(rows)}.")
    if not 0 < level < 1 or draws < 1:
        raise ValueError(f"Expected 0 < level < 1 and draws >= 1, got {level} and {draws}.")
    random = np.random.default_rng(seed)
    drawn = (rows[random.integers(len(rows), size=len(rows))] for _ in range(draws))
    figures = np.fromiter(map(statistic, drawn), np.float64, draws)
    low, high = np.quantile(figures, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
