"""A figure as it is reported: its value, and where the bootstrap says that it lies.

{"value": 12.3, "low": 10.4, "high": 14.3}, the 95 % interval under resampling of the examples; low
and high are null for a figure that is no mean over examples.
"""

from collections.abc import Callable

import numpy as np

from t2i_tf.metrics.bootstrap import bootstrap_interval

Estimate = dict[str, float | None]


def estimate(rows: np.ndarray, statistic: Callable[[np.ndarray], float] = np.mean) -> Estimate:
    """A statistic of rows [N, ...], with its interval where there are two rows or more."""
    rows = np.asarray(rows, np.float64)
    if len(rows) < 2:
        return point(statistic(rows))
    low, high = bootstrap_interval(rows, statistic)
    return {"value": float(statistic(rows)), "low": low, "high": high}


def point(value: float) -> Estimate:
    """A figure without an interval."""
    return {"value": float(value), "low": None, "high": None}
