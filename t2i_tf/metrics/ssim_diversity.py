"""Similarity of drawings to an image (SSIM), and to each other (diversity)."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from t2i_tf.errors import UserError

WINDOW = 11  # pixels: side of the Gaussian window of SSIM
CHUNK = 1024  # pairs of images compared at a time


def ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Structural similarity (Wang et al. 2004), at most 1; equal images have 1.

    With the paper's constants: an 11x11 Gaussian window of sigma 1.5 pixels, K1 = 0.01, K2 = 0.03,
    on values from 0 to 1. Only windows inside the image count, which leaves out a border of five
    pixels. Colour images have the mean over their channels.

    Args:
        a, b: images [..., H, W, C], uint8, or floats in [0, 1]. Leading dimensions broadcast:
            drawings [B, S, H, W, C] against images [B, 1, H, W, C].

    Returns:
        float32 [...], within 1e-4 of the result in float64.

    Raises:
        UserError: the images are smaller than the window.
        ValueError: the shapes do not match, or floats are outside [0, 1].
    """
    a, b = np.asarray(a), np.asarray(b)
    _check(a)
    _check(b)
    if a.shape[-3:] != b.shape[-3:]:
        raise ValueError(
            f"Expected images of one size, got {a.shape[-3:]} and {b.shape[-3:]} (H, W, C)."
        )
    height, width = a.shape[-3:-1]
    if min(height, width) < WINDOW:
        raise UserError(
            f"SSIM needs images of at least {WINDOW}x{WINDOW} pixels, its window; got {height}x"
            f"{width}. Use larger images."
        )
    shape = np.broadcast_shapes(a.shape[:-3], b.shape[:-3])
    values = [_ssim(x, y) for x, y in zip(_chunks(a, shape), _chunks(b, shape), strict=True)]
    return np.concatenate([np.zeros(0, np.float32), *values]).reshape(shape)


def diversity(samples: np.ndarray) -> np.ndarray:
    """Diversity of a caption's drawings: the mean distance over all pairs, 0 if all are equal.

    The distance is the root mean squared difference over pixels and channels, for values from 0 to
    1 (our choice).

    Args:
        samples: drawings of one caption [..., S, H, W, C], uint8, or floats in [0, 1]; S >= 2.

    Returns:
        float64 [...].

    Raises:
        ValueError: there is only one drawing, the shape is wrong, or floats are outside [0, 1].
    """
    samples = np.asarray(samples)
    _check(samples)
    count = samples.shape[-4] if samples.ndim > 3 else 1
    if count < 2:
        raise ValueError(f"Expected several drawings [S, H, W, C], got {list(samples.shape)}.")
    values = np.moveaxis(_from_0_to_1(samples), -4, 0)  # [S, ..., H, W, C]
    total = np.zeros(values.shape[1:-3])
    for offset in range(1, count):
        squares = (values[offset:] - values[:-offset]) ** 2
        total += np.sqrt(squares.mean(axis=(-3, -2, -1), dtype=np.float64)).sum(0)
    return total / (count * (count - 1) / 2)


def _ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    similarity = tf.image.ssim(
        _from_0_to_1(a),
        _from_0_to_1(b),
        max_val=1.0,
        filter_size=WINDOW,
        filter_sigma=1.5,
        k1=0.01,
        k2=0.03,
    )
    return similarity.numpy()


def _chunks(images: np.ndarray, leading: tuple[int, ...]) -> Iterator[np.ndarray]:
    """The images, broadcast to `leading` dimensions, in chunks [at most CHUNK, H, W, C]."""
    indices = np.arange(np.prod(images.shape[:-3], dtype=int)).reshape(images.shape[:-3])
    indices = np.broadcast_to(indices, leading).ravel()
    images = images.reshape(-1, *images.shape[-3:])
    return (images[indices[k : k + CHUNK]] for k in range(0, len(indices), CHUNK))


def _from_0_to_1(images: np.ndarray) -> np.ndarray:
    values = images.astype(np.float32)
    return values / np.float32(255) if images.dtype == np.uint8 else values


def _check(images: np.ndarray) -> None:
    pixels = images.dtype == np.uint8
    if images.ndim < 3 or not (pixels or np.issubdtype(images.dtype, np.floating)):
        raise ValueError(
            "Expected images [..., H, W, C], uint8 or floats, got "
            f"{images.dtype} {list(images.shape)}."
        )
    if not pixels and images.size and not 0 <= images.min() <= images.max() <= 1:
        raise ValueError(f"Expected floats from 0 to 1, got {images.min():g} to {images.max():g}.")
