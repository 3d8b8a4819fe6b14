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
