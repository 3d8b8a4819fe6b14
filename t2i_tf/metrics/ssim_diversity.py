"""How near drawings are to a picture, and to each other."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from t2i_tf.errors import UserError

WINDOW = 11  # pixels: side of the Gaussian window of SSIM
CHUNK = 1024  # pairs of pictures compared at a time


def ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Structural similarity (Wang et al. 2004) of pictures, at most 1; equal pictures have 1.

    The paper's constants: an 11x11 Gaussian window of sigma 1.5 pixels, K1 = 0.01, K2 = 0.03, on
    values from 0 to 1. Windows that lie inside the picture count, the others (a border of five
    pixels) do not; a colour picture has the mean over its channels.

    Args:
        a, b: pictures [..., H, W, C], uint8, or floats in [0, 1]. The leading dimensions broadcast:
            drawings [B, S, H, W, C] against the pictures [B, 1, H, W, C].

    Returns:
        float32 [...], within 1e-4 of what float64 gives.

    Raises:
        UserError: pictures smaller than the window.
        ValueError: other shapes, or floats outside [0, 1].
    """
    a, b = np.asarray(a), np.asarray(b)
    _check(a)
    _check(b)
    if a.shape[-3:] != b.shape[-3:]:
        raise ValueError(
            f"Expected pictures of one size, got {a.shape[-3:]} and {b.shape[-3:]} (H, W, C)."
        )
    height, width = a.shape[-3:-1]
    if min(height, width) < WINDOW:
        raise UserError(
            f"SSIM looks at windows of {WINDOW}x{WINDOW} pixels; these pictures have {height}x"
            f"{width}. Compare larger ones."
        )
    shape = np.broadcast_shapes(a.shape[:-3], b.shape[:-3])
    values = [_ssim(x, y) for x, y in zip(_chunks(a, shape), _chunks(b, shape), strict=True)]
    return np.concatenate([np.zeros(0, np.float32), *values]).reshape(shape)


def diversity(samples: np.ndarray) -> np.ndarray:
    """How much the drawings of a caption differ: their mean distance, over all pairs.

    The distance is the root of the mean squared difference over pixels and channels, of values
    from 0 to 1; our choice. It is 0 where all drawings are equal.

    Args:
        samples: drawings of one caption [..., S, H, W, C], uint8, or floats in [0, 1]; S >= 2.

    Returns:
        float64 [...].

    Raises:
        ValueError: a single drawing, other shapes, or floats outside [0, 1].
    """
    samples = np.asarray(samples)
    _check(samples)
    count = samples.shape[-4] if samples.ndim > 3 else 1
    if count < 2:
        raise ValueError(f"Expected several drawings [S, H, W, C], got {list(samples.shape)}.")
    values = np.moveaxis(_from_0_to_1(samples), -4, 0)  # [S, ..., H, W, C]
    total = np.zeros(values.shape[1:-3])
    for apart in range(1, count):
        squares = (values[apart:] - values[:-apart]) ** 2
        total += np.sqrt(squares.mean(axis=(-3, -2, -1), dtype=np.float64)).sum(0)
    return total / (count * (count - 1) / 2)


def _ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    found = tf.image.ssim(
        _from_0_to_1(a),
        _from_0_to_1(b),
        max_val=1.0,
        filter_size=WINDOW,
        filter_sigma=1.5,
        k1=0.01,
        k2=0.03,
    )
    return found.numpy()


def _chunks(pictures: np.ndarray, leading: tuple[int, ...]) -> Iterator[np.ndarray]:
    """The pictures, broadcast to `leading` dimensions: [at most CHUNK, H, W, C] each time."""
    size = pictures.shape[-3:]
    numbers = np.arange(np.prod(pictures.shape[:-3], dtype=int)).reshape(pictures.shape[:-3])
    numbers = np.broadcast_to(numbers, leading).ravel()
    pictures = pictures.reshape(-1, *size)
    return (pictures[numbers[k : k + CHUNK]] for k in range(0, len(numbers), CHUNK))


def _from_0_to_1(pictures: np.ndarray) -> np.ndarray:
    values = pictures.astype(np.float32)
    return values / np.float32(255) if pictures.dtype == np.uint8 else values


def _check(pictures: np.ndarray) -> None:
    whole = pictures.dtype == np.uint8
    if pictures.ndim < 3 or not (whole or np.issubdtype(pictures.dtype, np.floating)):
        raise ValueError(
            "Expected pictures [..., H, W, C], uint8 or floats, got "
            f"{pictures.dtype} {list(pictures.shape)}."
        )
    if not whole and pictures.size and not 0 <= pictures.min() <= pictures.max() <= 1:
        raise ValueError(
            f"Expected floats from 0 to 1, got {pictures.min():g} to {pictures.max():g}."
        )
