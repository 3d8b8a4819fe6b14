"""Candidates of image retrieval: each image, and the images that look most like it."""

import numpy as np

from t2i_tf.errors import UserError
from t2i_tf.metrics.pairwise_distance import BLOCK, check_features, squared_distances

TARGET = 0  # column of the image itself, which its caption searches for


def hard_candidates(
    features: np.ndarray, count: int = 100, searches: int | None = None
) -> np.ndarray:
    """Each image and its `count` - 1 nearest neighbours: the paper's hard candidates.

    The image itself is in the column `TARGET`, its neighbours follow by distance, equally near ones
    by index. The order gives the target away: rank the candidates by scores, with ties at random.

    Args:
        features: [images, D]; neighbours are near by Euclidean distance.
        count: Candidates for each image, itself included.
        searches: Only the first so many images are searched for; all are candidates.

    Returns:
        Indices of images, int64 [searches, count].

    Raises:
        UserError: there are fewer images than candidates.
        ValueError: the features are not finite floats of shape [images, D].
    """
    check_features(features=features)
    if not 1 <= count <= len(features):
        raise UserError(
            f"Retrieval among {count} candidates needs as many pictures, there are "
            f"{len(features)}. Ask for fewer candidates, or prepare more pictures for this split."
        )
    searches = len(features) if searches is None else min(searches, len(features))
    return np.concatenate(
        [
            _block_candidates(features, start, min(start + BLOCK, searches), count)
            for start in range(0, searches, BLOCK)
        ]
    )


def _block_candidates(features: np.ndarray, start: int, end: int, count: int) -> np.ndarray:
    """The candidates of images `start` to `end`."""
    distances = squared_distances(features[start:end], features)
    rows = np.arange(len(distances))
    distances[rows, start + rows] = -1.0  # before any duplicate of the image, at distance 0
    farthest = np.partition(distances, count - 1, axis=1)[:, count - 1]
    return np.stack(
        [_nearest(row, far)[:count] for row, far in zip(distances, farthest, strict=True)]
    )


def _nearest(distances: np.ndarray, farthest: float) -> np.ndarray:
    """Indices of all images up to a distance, nearest first."""
    near = np.flatnonzero(distances <= farthest)
    return near[np.argsort(distances[near], kind="stable")]
