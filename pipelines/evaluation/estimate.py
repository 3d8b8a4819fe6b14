"""A metric as it is reported: its value, and its 95 % bootstrap interval over the examples."""

from collections.abc import Callable

import msgspec
import numpy as np

from t2i_tf.metrics.bootstrap import bootstrap_interval


class Estimate(msgspec.Struct, frozen=True):
    """A value with its 95 % interval under resampling of the examples.

    The ends are None where the metric is not a statistic of independent examples, or where there
    are fewer than two of them.
    """

    value: float
    low: float | None = None
    high: float | None = None


def bootstrap_estimate(
    rows: np.ndarray, statistic: Callable[[np.ndarray], float] = np.mean
) -> Estimate:
    """A statistic of rows [N, ...], with its interval where there are two rows or more."""
    rows = np.asarray(rows, np.float64)
    if len(rows) < 2:
        return point_estimate(statistic(rows))
    low, high = bootstrap_interval(rows, statistic)
    return Estimate(float(statistic(rows)), low, high)


def point_estimate(value: float) -> Estimate:
    """A value without an interval."""
    return Estimate(float(value))
