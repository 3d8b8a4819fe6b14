"""Candidates of image retrieval: each picture, and the pictures that look most like it."""

import numpy as np

from t2i_tf.errors import UserError
from t2i_tf.metrics.pairwise_distance import BLOCK, check_features, squared_distances

RIGHT = 0  # the column of the picture itself


def candidates(features: np.ndarray, count: int = 100, searched: int | None = None) -> np.ndarray:
    """For each picture itself and the `count` - 1 nearest others: the paper's hard candidates.

    The picture itself stands in the column `RIGHT`, the others follow from the nearest on, equally
    near ones by number. The order tells who is right: rank by scores, with ties at random.

    Args:
        features: [pictures, D]; near is near by Euclidean distance.
        count: of candidates for each picture, itself included.
        searched: only the first so many are searched for; the others are candidates alone.

    Returns:
        Numbers of pictures, int64 [searched, count].

    Raises:
        UserError: fewer pictures than candidates.
        ValueError: other features.
    """
    check_features(features=features)
    if not 1 <= count <= len(features):
        raise UserError(
            f"Retrieval among {count} candidates needs as many pictures, there are "
            f"{len(features)}. Ask for fewer candidates, or prepare more pictures for this split."
        )
    searched = len(features) if searched is None else min(searched, len(features))
    return np.concatenate(
        [
            _of_block(features, start, min(start + BLOCK, searched), count)
            for start in range(0, searched, BLOCK)
        ]
    )


def _of_block(features: np.ndarray, start: int, end: int, count: int) -> np.ndarray:
    distances = squared_distances(features[start:end], features)
    rows = np.arange(len(distances))
    distances[rows, start + rows] = -1.0  # nearer than any double of the picture
    farthest = np.partition(distances, count - 1, axis=1)[:, count - 1]
    return np.stack(
        [_nearest(row, far)[:count] for row, far in zip(distances, farthest, strict=True)]
    )


def _nearest(distances: np.ndarray, farthest: float) -> np.ndarray:
    """Numbers of all at most so far away, from the nearest on."""
    near = np.flatnonzero(distances <= farthest)
    return near[np.argsort(distances[near], kind="stable")]
