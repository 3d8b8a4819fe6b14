"""Spatial attention: banks of Gaussian filters that read and write patches of a picture.

DRAW (Gregor et al. 2015, equations 19 to 29), pure functions. Pictures stand here in the layout
[B, H * C, W], "rows", ordered by row, then channel: both filters are plain batched matrix products,
with no transpose, which XLA needs inside a loop whose gradient is taken.
"""

from typing import NamedTuple

import tensorflow as tf


class Window(NamedTuple):
    """Where a grid of P x P Gaussian filters lies on a picture; every field is [B, 1]."""

    centre_y: tf.Tensor  # pixels; 0 is the centre of the first row
    centre_x: tf.Tensor  # pixels
    stride: tf.Tensor  # pixels between neighbouring filters
    variance: tf.Tensor  # pixels^2
    intensity: tf.Tensor  # factor on what is read


def window(parameters: tf.Tensor, height: int, width: int, size: int) -> Window:
    """Five numbers to a window (DRAW equations 21 to 24).

    `parameters` is [B, 5]: centre x and y, where -1 and 1 are the picture's edges, and the
    logarithms of stride, variance and intensity. A stride of e^0 spreads the filters over the
    longer side of the picture.
    """
    x, y, log_stride, log_variance, log_intensity = tf.split(parameters, 5, axis=-1)
    return Window(
        centre_y=0.5 * (height - 1) * (y + 1.0),
        centre_x=0.5 * (width - 1) * (x + 1.0),
        stride=(max(height, width) - 1) / max(size - 1, 1) * tf.exp(log_stride),
        variance=tf.exp(log_variance),
        intensity=tf.exp(log_intensity),
    )


def filterbank(
    centre: tf.Tensor, stride: tf.Tensor, variance: tf.Tensor, size: int, length: int
) -> tf.Tensor:
    """P filters over a side of `length` pixels (DRAW equations 19, 20, 25, 26).

        F[i, a] = exp(-(a - mu_i)^2 / (2 variance)) / sum over a
        mu_i    = centre + (i - (P - 1) / 2) stride

    The grid is centred, where the authors' code is off by half a stride or more. The division by
    the sum is a softmax over the pixels, so that a filter narrower than a pixel or outside the
    picture still sums to one (our choice; the authors add 1e-4 to the sum).

    Args:
        centre, stride, variance: [B, 1].

    Returns:
        [B, P, length].
    """
    offsets = tf.range(size, dtype=centre.dtype) - (size - 1) / 2
    means = (centre + offsets * stride)[:, :, None]  # [B, P, 1]
    pixels = tf.range(length, dtype=centre.dtype)
    return tf.nn.softmax(-tf.square(pixels - means) * (0.5 / variance)[:, :, None])


def filterbanks(place: Window, size: int, height: int, width: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The vertical [B, P, H] and the horizontal [B, P, W] filters of a window."""
    vertical = filterbank(place.centre_y, place.stride, place.variance, size, height)
    horizontal = filterbank(place.centre_x, place.stride, place.variance, size, width)
    return vertical, horizontal


def to_rows(image: tf.Tensor) -> tf.Tensor:
    """A picture [B, H, W, C] in the layout [B, H * C, W]."""
    height, width, channels = image.shape[1:]
    return tf.reshape(tf.transpose(image, [0, 1, 3, 2]), [-1, height * channels, width])


def from_rows(rows: tf.Tensor, channels: int) -> tf.Tensor:
    """A picture [..., H * C, W] in the layout [B, H, W, C]."""
    stripes, width = rows.shape[-2:]
    image = tf.reshape(rows, [-1, stripes // channels, channels, width])
    return tf.transpose(image, [0, 1, 3, 2])


def read(rows: tf.Tensor, vertical: tf.Tensor, horizontal: tf.Tensor) -> tf.Tensor:
    """What the filters see of a picture, F_y x F_x^T for each channel (DRAW equation 27).

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
    """A patch spread over the picture, F_y^T w F_x for each channel (DRAW equation 29).

    Args:
        patch: [B, P * C * P], ordered as `read` gives it.
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


def extent(place: Window, size: int) -> tf.Tensor:
    """The window's outermost filter centres, as [B, 4]: top, left, bottom, right, pixels."""
    reach = 0.5 * (size - 1) * place.stride
    return tf.concat(
        [
            place.centre_y - reach,
            place.centre_x - reach,
            place.centre_y + reach,
            place.centre_x + reach,
        ],
        axis=-1,
    )
