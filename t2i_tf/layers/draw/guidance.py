"""Guidance: away from what a model draws without the caption (after Ho and Salimans 2022)."""

from typing import NamedTuple

import tensorflow as tf


class GuidedState(NamedTuple):
    """The states of a guided drawing, which advance side by side on the same latents."""

    given: NamedTuple  # of the recurrence that reads the caption
    other: NamedTuple  # of that which reads the caption to move away from


def guided(given: tf.Tensor, other: tf.Tensor, guidance: tf.Tensor | float) -> tf.Tensor:
    """given + w (given - other): no change at w = 0, and beyond the caption above.

    Args:
        given: what the model says given the caption, [B, ...].
        other: what it says given another caption, or the empty one, in the same shape.
        guidance: w, [B] or a number.
    """
    weight = tf.reshape(tf.cast(guidance, given.dtype), [-1] + [1] * (len(given.shape) - 1))
    return given + weight * (given - other)
