"""Image retrieval by caption: at which rank the right picture stands among the candidates.

A caption scores every candidate picture; the score of alignDRAW's evaluation is
L(x|y) - L(x|y_mean), in nats, but any number will do for which higher is better.
"""

import math

import numpy as np


def ranks(scores: np.ndarray, right: np.ndarray, seed: int = 0) -> np.ndarray:
    """How many candidates stand before the right one, for each caption: 0 is the best.

    Candidates with the right one's own score are ordered at random, so that a score that tells
    nothing lands at chance by every figure: recall at k is k / candidates in expectation, and the
    median (candidates - 1) / 2. Their mean rank would give such a score a recall of 0 % up to the
    middle and 100 % from there; the order of the candidates would give it whatever that order is.

    Args:
        scores: [captions, candidates], higher is better.
        right: the number of the right candidate, int [captions].
        seed: of the order among equals.

    Returns:
        int64 [captions], from 0 to candidates - 1.

    Raises:
        ValueError: other shapes, no such candidate, or a score that is NaN.
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
    equal = (scores == own).sum(1)  # the right one among them
    return better + np.random.default_rng(seed).integers(equal)


def recall_at_k(ranks: np.ndarray, k: int) -> float:
    """Of how many captions, percent, the right picture is among the first k.

    ranks: [captions], from 0.
    """
    return 100.0 * float(np.mean(np.asarray(ranks) < k))


def median_rank(ranks: np.ndarray) -> int:
    """The median rank, counted from 1: floor(median of the ranks from 0) + 1.

    The paper's "Med r", which at chance among 100 candidates is 50; the formula is recalled.
    """
    return math.floor(np.median(ranks)) + 1
