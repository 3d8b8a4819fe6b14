"""Attention windows: where a grid of Gaussian filters lies on an image.

DRAW (Gregor et al. 2015, equations 21 to 24), pure functions.
"""

from typing import Literal, NamedTuple

import tensorflow as tf

Convention = Literal["centred", "authors"]


class Window(NamedTuple):
    """Where a grid of P x P Gaussian filters lies on an image; every field is [B, 1]."""

    centre_y: tf.Tensor  # pixels; 0 is the centre of the first row
    centre_x: tf.Tensor  # pixels
    stride: tf.Tensor  # pixels between neighbouring filters
    variance: tf.Tensor  # pixels^2
    intensity: tf.Tensor  # factor on the patch that is read


def window(
    parameters: tf.Tensor,
    height: int,
    width: int,
    size: int,
    convention: Convention = "centred",
) -> Window:
    """The window that a layer's five outputs describe (DRAW equations 21 to 24).

    A log stride of 0 spreads the filters over the longer side of the image.

    The authors' code takes DRAW's centre, (W + 1) / 2 (x + 1), which counts pixels from 1, for
    pixels that it counts from 0: it is too high by x + 1 pixels, none at the first edge and two at
    the last. Its filters lie at (i - floor(P / 2) - 1/2) strides from there: half a stride too low
    for an odd P, a whole stride for an even one. Its height and width are swapped, but it runs on
    square images only, where that is no difference.

    Args:
        parameters: [B, 5], centre x and y, where -1 and 1 are the image's edges, and the logarithms
            of stride, variance and intensity.
        height, width: H and W of the image, pixels.
        size: P, filters per side.
        convention: `authors` for weights that were trained with the authors' code.
    """
    if convention == "authors":
        return _authors_window(parameters, height, width, size)
    x, y, log_stride, log_variance, log_intensity = tf.split(parameters, 5, axis=-1)
    return Window(
        centre_y=0.5 * (height - 1) * (y + 1.0),
        centre_x=0.5 * (width - 1) * (x + 1.0),
        stride=(max(height, width) - 1) / max(size - 1, 1) * tf.exp(log_stride),
        variance=tf.exp(log_variance),
        intensity=tf.exp(log_intensity),
    )


def _authors_window(parameters: tf.Tensor, height: int, width: int, size: int) -> Window:
    """The authors' window: their grid, with the centre where the middle of its filters lies."""
    centred = window(parameters, height, width, size)
    x, y = parameters[:, 0:1], parameters[:, 1:2]
    shift = (0.5 if size % 2 else 1.0) * centred.stride
    return centred._replace(
        centre_y=0.5 * (height + 1) * (y + 1.0) - shift,
        centre_x=0.5 * (width + 1) * (x + 1.0) - shift,
    )


def extent(window: Window, size: int) -> tf.Tensor:
    """The window's outermost filter centres, [B, 4]: top, left, bottom, right, pixels.

    0 is the centre of the first row or column, as in `Window`.
    """
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


def whole_image(height: int, width: int, batch: tf.Tensor, steps: int, dtype: str) -> tf.Tensor:
    """Extents [B, T, 4] of steps that write on all of an image, from the first to the last pixel.

    Args:
        height, width: H and W of the image, pixels.
        batch: B.
        steps: T.
        dtype: of the extents.
    """
    corners = tf.constant([0, 0, height - 1, width - 1], dtype)
    return tf.tile(corners[None, None], [batch, steps, 1])
