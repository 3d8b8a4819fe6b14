"""Similarity of drawings to an image (SSIM), and to each other (diversity)."""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from t2i_tf.errors import UserError

WINDOW = 11  # pixels: side of the Gaussian window of SSIM
UNIFORM_WINDOW = 7  # pixels: side of the window of `uniform_ssim`
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
    return _of_pairs(_ssim, a, b, WINDOW)


def uniform_ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Structural similarity as scikit-image computed it for floats by default, until 2023.

    Windows of 7x7 pixels that all count alike, and constants for values from -1 to 1 although they
    are from 0 to 1. The constants are four times as large as they should be, which raises the
    similarity of images that have little in common. It is here to compare with numbers that others
    may have published with it: `ssim` is the metric.

    The arguments, the result and the errors are those of `ssim`.
    """
    return _of_pairs(_uniform_ssim, a, b, UNIFORM_WINDOW)


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


def _of_pairs(
    measure: Callable[[np.ndarray, np.ndarray], np.ndarray],
    a: np.ndarray,
    b: np.ndarray,
    window: int,
) -> np.ndarray:
    """A measure of pairs of images, [n, H, W, C] twice to [n], for images that broadcast."""
    a, b = np.asarray(a), np.asarray(b)
    _check(a)
    _check(b)
    if a.shape[-3:] != b.shape[-3:]:
        raise ValueError(
            f"Expected images of one size, got {a.shape[-3:]} and {b.shape[-3:]} (H, W, C)."
        )
    height, width = a.shape[-3:-1]
    if min(height, width) < window:
        raise UserError(
            f"SSIM needs images of at least {window}x{window} pixels, its window; got {height}x"
            f"{width}. Use larger images."
        )
    shape = np.broadcast_shapes(a.shape[:-3], b.shape[:-3])
    values = [measure(x, y) for x, y in zip(_chunks(a, shape), _chunks(b, shape), strict=True)]
    return np.concatenate([np.zeros(0, np.float32), *values]).reshape(shape)


def _uniform_ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    def mean(values):
        return tf.nn.avg_pool2d(values, UNIFORM_WINDOW, 1, "VALID")

    x, y = (tf.constant(_from_0_to_1(images)) for images in (a, b))
    mean_x, mean_y = mean(x), mean(y)
    pixels = UNIFORM_WINDOW**2
    unbiased = pixels / (pixels - 1)
    variances = unbiased * (mean(x * x) - mean_x**2 + mean(y * y) - mean_y**2)
    covariance = unbiased * (mean(x * y) - mean_x * mean_y)
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity /= (mean_x**2 + mean_y**2 + c1) * (variances + c2)
    return tf.reduce_mean(similarity, (1, 2, 3)).numpy()


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
