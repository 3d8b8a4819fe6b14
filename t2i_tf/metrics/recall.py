"""Image retrieval by caption: the rank of the right image among the candidates.

A caption scores every candidate image. The score of alignDRAW's evaluation is
L(x|y) - L(x|y_mean), in nats; any score will do that is higher for better candidates.
"""

import math

import numpy as np


def ranks(scores: np.ndarray, right: np.ndarray, seed: int = 0) -> np.ndarray:
    """The rank of the right candidate for each caption; 0 is the best.

    Ties with the right candidate are broken at random, so that a constant score is at chance by
    every metric: the expected recall at k is k / candidates, the expected median
    (candidates - 1) / 2. If ties took their mean rank, its recall would be 0 % for k up to the
    middle and 100 % beyond; in the candidates' order, its metrics would depend on that order.

    Args:
        scores: [captions, candidates], higher is better.
        right: index of the right candidate, int [captions].
        seed: seed for breaking ties.

    Returns:
        int64 [captions], from 0 to candidates - 1.

    Raises:
        ValueError: the shapes do not match, an index is out of range, or a score is NaN.
    """
    scores, right = np.asarray(scores), np.asarray(right)
    if scores.ndim != 2 or right.shape != scores.shape[:1]:
        raise ValueError(
            "Expected scores [captions, candidates] and right [captions], got "
            f"{list(scores.shape)} and {list(right.shape)}."
        )
    if len(right) and not 0 <= right.min() <= right.max() < scores.shape[1]:
        raise ValueError(
            f"Expected candidates 0 to {scores.shape[1] - 1}, got {right.min()} to {right.max()}."
        )
    if np.isnan(scores).any():
        raise ValueError(f"{np.isnan(scores).sum()} of {scores.size} scores are NaN.")
    own = np.take_along_axis(scores, right[:, None], axis=1)
    better = (scores > own).sum(1)
    equal = (scores == own).sum(1)  # the right one included
    return better + np.random.default_rng(seed).integers(equal)


def recall_at_k(ranks: np.ndarray, k: int) -> float:
    """Percentage of captions whose right image is among the first k; ranks [captions], from 0."""
    return 100.0 * float(np.mean(np.asarray(ranks) < k))


def median_rank(ranks: np.ndarray) -> int:
    """The median rank, counted from 1: floor(median of the ranks from 0) + 1.

    The paper's "Med r", 50 at chance among 100 candidates; the formula is quoted from memory.
    """
    return math.floor(np.median(ranks)) + 1
