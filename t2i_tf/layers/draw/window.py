"""Attention windows: where a grid of Gaussian filters lies on an image.

DRAW (Gregor et al. 2015, equations 21 to 24), pure functions.
"""

from typing import NamedTuple

import tensorflow as tf


class Window(NamedTuple):
    """Where a grid of P x P Gaussian filters lies on an image; every field is [B, 1]."""

    centre_y: tf.Tensor  # pixels; 0 is the centre of the first row
    centre_x: tf.Tensor  # pixels
    stride: tf.Tensor  # pixels between neighbouring filters
    variance: tf.Tensor  # pixels^2
    intensity: tf.Tensor  # factor on the patch that is read


def window(parameters: tf.Tensor, height: int, width: int, size: int) -> Window:
    """The window that a layer's five outputs describe (DRAW equations 21 to 24).

    A log stride of 0 spreads the filters over the longer side of the image.

    Args:
        parameters: [B, 5], centre x and y, where -1 and 1 are the image's edges, and the logarithms
            of stride, variance and intensity.
        height, width: H and W of the image, pixels.
        size: P, filters per side.
    """
    x, y, log_stride, log_variance, log_intensity = tf.split(parameters, 5, axis=-1)
    return Window(
        centre_y=0.5 * (height - 1) * (y + 1.0),
        centre_x=0.5 * (width - 1) * (x + 1.0),
        stride=(max(height, width) - 1) / max(size - 1, 1) * tf.exp(log_stride),
        variance=tf.exp(log_variance),
        intensity=tf.exp(log_intensity),
    )


def extent(window: Window, size: int) -> tf.Tensor:
    """The window's outermost filter centres, [B, 4]: top, left, bottom, right, pixels."""
    reach = 0.5 * (size - 1) * window.stride
    return tf.concat(
        [
            window.centre_y - reach,
            window.centre_x - reach,
            window.centre_y + reach,
            window.centre_x + reach,
        ],
        axis=-1,
    )
