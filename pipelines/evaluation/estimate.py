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


def rows_by_picture(values: np.ndarray, pictures: np.ndarray | None) -> np.ndarray:
    """Rows that are independent: the values of one picture's captions together.

    Args:
        values: A value of each caption, or several, [captions, ...].
        pictures: Index of the picture of each caption, int [captions]; None where every caption has
            a picture of its own.

    Returns:
        float64 [pictures, captions of a picture, ...], filled up with NaN where a picture has fewer
        captions than others.
    """
    values = np.asarray(values, np.float64)
    if pictures is None:
        return values[:, None]
    _, row = np.unique(pictures, return_inverse=True)
    column = np.array([np.count_nonzero(row[:k] == row[k]) for k in range(len(row))], np.int64)
    rows = np.full((row.max() + 1, column.max() + 1, *values.shape[1:]), np.nan)
    rows[row, column] = values
    return rows


def present(rows: np.ndarray) -> np.ndarray:
    """The values of rows of `rows_by_picture`, caption by caption, [captions, ...]."""
    values = rows.reshape(-1, *rows.shape[2:])
    return values[~np.isnan(values.reshape(len(values), -1)[:, 0])]


def point_estimate(value: float) -> Estimate:
    """A value without an interval."""
    return Estimate(float(value))


def in_digits(form: str, value: float) -> str:
    """A value as `form` has it, but with two significant digits where that leaves only zeros.

    >>> in_digits("{:.3f}", 0.0123), in_digits("{:.3f}", -0.00012), in_digits("{:.3f}", 0)
    ('0.012', '-0.00012', '0.000')
    """
    text = form.format(value)
    return f"{value:.2g}" if value and not text.strip("-0.") else text
