"""Distances between rows, block by block, as all pairs may not fit into memory."""

from collections.abc import Iterator

import numpy as np

BLOCK = 1024  # rows


def blocks(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Rows [N, D] in order, as float64 [at most BLOCK, D]."""
    return (rows[k : k + BLOCK].astype(np.float64) for k in range(0, len(rows), BLOCK))


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a - b|^2 for all pairs, by one matrix product: [A, D] and [B, D] to float64 [A, B]."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    products = a @ b.T
    return np.maximum((a**2).sum(1)[:, None] - 2 * products + (b**2).sum(1), 0.0)


def check_features(**sets: np.ndarray) -> None:
    """Check that feature sets, by name, are finite and [N, D] with the same D.

    Raises:
        ValueError: they are not.
    """
    shapes = {name: list(features.shape) for name, features in sets.items()}
    widths = {shape[1] if len(shape) == 2 else None for shape in shapes.values()}
    if None in widths or len(widths) != 1:
        raise ValueError(f"Expected features [N, D] of one D, got {shapes}.")
    for name, features in sets.items():
        if not np.isfinite(features).all():
            raise ValueError(f"{name}: expected finite features, found infinite ones or NaN.")


def two_nearest(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two rows of `b` [B, D], B >= 2, that are nearest to each row of `a` [A, D].

    Returns:
        Their indices and their Euclidean distances, nearest first: int64 and float64 [A, 2].
    """
    indices, distances = np.zeros((len(a), 0), np.int64), np.zeros((len(a), 0))
    for k, rows in enumerate(blocks(b)):
        found = np.arange(k * BLOCK, k * BLOCK + len(rows))
        indices = np.concatenate([indices, np.broadcast_to(found, (len(a), len(rows)))], 1)
        distances = np.concatenate([distances, squared_distances(a, rows)], 1)
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :2]
        indices, distances = (np.take_along_axis(x, nearest, 1) for x in (indices, distances))
    return indices, np.sqrt(distances)
