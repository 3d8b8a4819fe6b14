"""How sharp images are."""

import numpy as np


def gradient_magnitude(images: np.ndarray) -> np.ndarray:
    """The mean gradient magnitude of each image, [...]; our choice of a measure of sharpness.

    Args:
        images: uint8 [..., H, W, C].

    Returns:
        Mean over pixels and channels of sqrt(dx^2 + dy^2), with forward differences, of values in
        [0, 1].
    """
    values = images.astype(np.float64) / 255.0
    dx = values[..., :-1, 1:, :] - values[..., :-1, :-1, :]
    dy = values[..., 1:, :-1, :] - values[..., :-1, :-1, :]
    return np.sqrt(dx**2 + dy**2).mean(axis=(-3, -2, -1))
