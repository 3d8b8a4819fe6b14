"""Spatial attention: banks of Gaussian filters that read and write patches of an image.

DRAW (Gregor et al. 2015, equations 19, 20 and 25 to 29), pure functions. Images have the layout
[B, H * C, W] here, "rows", ordered by row, then channel: both filters are plain batched matrix
products without a transpose, as XLA needs them inside a loop whose gradient is taken.
"""

import tensorflow as tf

from t2i_tf.layers.draw.window import Window

AUTHORS_TOLERANCE = 1e-4  # what the authors' code adds to the sum of a filter


def filterbank(
    centre: tf.Tensor,
    stride: tf.Tensor,
    variance: tf.Tensor,
    size: int,
    length: int,
    tolerance: float = 0.0,
) -> tf.Tensor:
    """P filters over a side of `length` pixels (DRAW equations 19, 20, 25, 26).

        F[i, a] = exp(-(a - mu_i)^2 / (2 variance)) / sum over a
        mu_i    = centre + (i - (P - 1) / 2) stride

    The grid is centred (see `window` for that of the authors' code). The division by the sum is a
    softmax over the pixels, so that a filter that is narrower than a pixel or outside the image
    still sums to one (our choice). With a tolerance, such a filter fades to zero instead, as in the
    authors' code.

    Args:
        centre, stride, variance: [B, 1], as in `Window`.
        size: P, number of filters.
        length: pixels along the side.
        tolerance: added to the sum; 0 for the softmax.

    Returns:
        [B, P, length].
    """
    offsets = tf.range(size, dtype=centre.dtype) - (size - 1) / 2
    means = (centre + offsets * stride)[:, :, None]  # [B, P, 1]
    pixels = tf.range(length, dtype=centre.dtype)
    exponents = -tf.square(pixels - means) * (0.5 / variance)[:, :, None]
    if tolerance == 0.0:
        return tf.nn.softmax(exponents)
    weights = tf.exp(exponents)
    return weights / (tf.reduce_sum(weights, axis=-1, keepdims=True) + tolerance)


def filterbanks(
    window: Window, size: int, height: int, width: int, tolerance: float = 0.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """The vertical [B, P, H] and the horizontal [B, P, W] filters of a window."""
    grid = window.stride, window.variance, size
    vertical = filterbank(window.centre_y, *grid, height, tolerance)
    horizontal = filterbank(window.centre_x, *grid, width, tolerance)
    return vertical, horizontal


def to_rows(image: tf.Tensor) -> tf.Tensor:
    """Images [B, H, W, C] in the layout [B, H * C, W]."""
    height, width, channels = image.shape[1:]
    return tf.reshape(tf.transpose(image, [0, 1, 3, 2]), [-1, height * channels, width])


def from_rows(rows: tf.Tensor, channels: int) -> tf.Tensor:
    """Images [..., H * C, W] in the layout [B, H, W, C]; leading dimensions become one."""
    stripes, width = rows.shape[-2:]
    image = tf.reshape(rows, [-1, stripes // channels, channels, width])
    return tf.transpose(image, [0, 1, 3, 2])


def read(rows: tf.Tensor, vertical: tf.Tensor, horizontal: tf.Tensor) -> tf.Tensor:
    """Read a patch from an image, F_y x F_x^T for each channel (DRAW equation 27).

    Args:
        rows: [B, H * C, W].
        vertical: [B, P, H].
        horizontal: [B, P, W].

    Returns:
        [B, P * C * P], ordered by patch row, channel, patch column.
    """
    size, height = vertical.shape[1:]
    channels = rows.shape[1] // height
    columns = tf.matmul(rows, horizontal, transpose_b=True)  # [B, H * C, P]
    patch = tf.matmul(vertical, tf.reshape(columns, [-1, height, channels * size]))
    return tf.reshape(patch, [-1, size * channels * size])


def write(patch: tf.Tensor, vertical: tf.Tensor, horizontal: tf.Tensor) -> tf.Tensor:
    """Write a patch onto an image, F_y^T w F_x for each channel (DRAW equation 29).

    Args:
        patch: [B, P * C * P], in the order of `read`.
        vertical: [B, P, H].
        horizontal: [B, P, W].

    Returns:
        [B, H * C, W].
    """
    size, height = vertical.shape[1:]
    channels = patch.shape[1] // size**2
    patch = tf.reshape(patch, [-1, size, channels * size])
    stripes = tf.matmul(vertical, patch, transpose_a=True)  # [B, H, C * P]
    return tf.matmul(tf.reshape(stripes, [-1, height * channels, size]), horizontal)
