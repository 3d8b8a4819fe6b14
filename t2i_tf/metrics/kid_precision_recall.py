"""Similarity of two sets of images, computed from features of the images.

Features of any network will do; results are comparable only between the same features.
"""

from typing import NamedTuple

import numpy as np

from t2i_tf.metrics.pairwise_distance import blocks, check_features, squared_distances


def kid(a: np.ndarray, b: np.ndarray, *, paired: bool = False) -> float:
    """Kernel inception distance (Binkowski et al. 2018): the squared MMD of two sets, unbiased.

        KID = mean over i != j of k(a_i, a_j) + mean over i != j of k(b_i, b_j)
              - 2 mean over i, j of k(a_i, b_j),      k(x, y) = (x . y / D + 1)^3

    Computed on the whole sets rather than as a mean over subsets: both are unbiased, but this is
    deterministic and has the smaller variance. Its expectation is 0 if the distributions are equal,
    so that it can be negative. Its rows must not be bootstrapped, as a row drawn twice is a pair of
    equal features.

    Args:
        a, b: features [A, D] and [B, D], at least two rows each.
        paired: whether a_i and b_i belong together, as an image and a drawing of its caption do.
            Pairs are more similar than random images, so that the third mean is over i != j too
            (Gretton et al. 2012, equation 4). Otherwise a system that follows its captions would
            seem closer to the real images than they are to themselves.

    Raises:
        ValueError: the shapes do not match, or features are not finite.
    """
    check_features(a=a, b=b)
    if min(len(a), len(b)) < 2:
        raise ValueError(f"Expected at least two rows each, got {len(a)} and {len(b)}.")
    between, count = _kernel_sum(a, b), len(a) * len(b)
    if paired:
        if len(a) != len(b):
            raise ValueError(f"Expected pairs, got {len(a)} and {len(b)} rows.")
        between, count = between - _kernel_of_pairs(a, b), count - len(a)
    return _mean_within(a) + _mean_within(b) - 2 * between / count


class PrecisionRecall(NamedTuple):
    """Precision and recall, shares from 0 to 1."""

    precision: float  # share of fake images among the real ones
    recall: float  # share of real images among the fake ones


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = 3) -> PrecisionRecall:
    """Improved precision and recall (Kynkaanniemi et al. 2019).

    A set covers the closed balls around its members, each with the distance to the member's k-th
    nearest neighbour in the set as its radius. Precision is the share of `fake` that `real` covers,
    recall the share of `real` that `fake` covers.

    Both depend on the sizes of the sets, which must be equal to compare systems.

    Args:
        real, fake: features [R, D] and [F, D], more than k rows each.
        k: neighbours that a ball reaches.

    Raises:
        ValueError: the shapes do not match, there are too few rows, or features are not finite.
    """
    check_features(real=real, fake=fake)
    if not 1 <= k < min(len(real), len(fake)):
        raise ValueError(
            f"Expected more than k rows each and k >= 1, got {len(real)} and {len(fake)}, k = {k}."
        )
    return PrecisionRecall(_covered(fake, real, k), _covered(real, fake, k))


def _covered(points: np.ndarray, members: np.ndarray, k: int) -> float:
    """The share of points that lie in the ball of any member."""
    # Index 0 is the member itself, at distance 0, so that index k is its k-th neighbour.
    radii = np.concatenate(
        [
            np.partition(squared_distances(rows, members), k, axis=1)[:, k]
            for rows in blocks(members)
        ]
    )
    hits = [(squared_distances(rows, members) <= radii).any(1) for rows in blocks(points)]
    return float(np.concatenate(hits).mean())


def _mean_within(rows: np.ndarray) -> float:
    """The mean of the kernel over all pairs of different rows."""
    diagonal = _kernel_of_pairs(rows, rows)
    return (_kernel_sum(rows, rows) - diagonal) / (len(rows) * (len(rows) - 1))


def _kernel_of_pairs(a: np.ndarray, b: np.ndarray) -> float:
    """The sum of k(a_i, b_i)."""
    pairs = zip(blocks(a), blocks(b), strict=True)
    return sum(float(_cubed((x * y).sum(1) / x.shape[1]).sum()) for x, y in pairs)


def _kernel_sum(a: np.ndarray, b: np.ndarray) -> float:
    return sum(float(_cubed(x @ y.T / x.shape[1]).sum()) for x in blocks(a) for y in blocks(b))


def _cubed(products: np.ndarray) -> np.ndarray:
    return (products + 1.0) ** 3
