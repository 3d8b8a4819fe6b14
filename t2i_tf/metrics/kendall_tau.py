"""Kendall's tau: whether scores put pairs in the order that people's ratings put them in."""

from typing import NamedTuple

import numpy as np


class KendallTau(NamedTuple):
    """Two ways to count ties, each from -1 to 1; 0 for scores that say nothing of the ratings."""

    b: float  # of the pairs that neither scores nor ratings tie, as a geometric mean
    c: float  # of the most that so few levels of ratings allow (Stuart 1953)


def kendall_tau(scores: np.ndarray, ratings: np.ndarray) -> KendallTau:
    """Kendall's tau-b and tau-c; NaN where the scores or the ratings are all equal.

        tau_b = (P - Q) / sqrt((P + Q + X) (P + Q + Y)),    tau_c = (P - Q) / (n^2 (m - 1) / (2 m))

    P pairs are in the same order in both, Q in opposite ones, X are tied in the ratings alone, Y in
    the scores alone; m is the smaller number of different values.

    Args:
        scores: [n], finite.
        ratings: [n].

    Raises:
        ValueError: the shapes do not match, or a value is not finite.
    """
    scores, ratings = np.asarray(scores), np.asarray(ratings)
    if scores.ndim != 1 or scores.shape != ratings.shape:
        raise ValueError(
            f"Expected two rows of values, got {list(scores.shape)} and {list(ratings.shape)}."
        )
    if not (np.isfinite(scores).all() and np.isfinite(ratings).all()):
        raise ValueError("Expected finite scores and ratings.")
    from scipy.stats import kendalltau  # half a second, which other studies do not need

    b, c = (float(kendalltau(scores, ratings, variant=variant).statistic) for variant in "bc")
    return KendallTau(b, c)
