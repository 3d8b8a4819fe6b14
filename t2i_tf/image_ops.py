"""Image arrays: conversion to pixels, sizes and their check."""

import tensorflow as tf

from t2i_tf.errors import UserError

Shape = tuple[int, int, int]  # H, W, C


def to_pixels(floats: tf.Tensor) -> tf.Tensor:
    """Floats in [0, 1] of any shape to uint8, rounded."""
    return tf.cast(tf.round(255.0 * tf.cast(floats, tf.float32)), tf.uint8)


def from_pixels(pixels: tf.Tensor, dtype: str) -> tf.Tensor:
    """Pixels from 0 to 255 of any shape to floats in [0, 1]."""
    return tf.cast(pixels, dtype) / 255.0


def to_floats(image: tf.Tensor, dtype: str) -> tf.Tensor:
    """Images, uint8 or already floats in [0, 1], to floats in [0, 1]."""
    return from_pixels(image, dtype) if image.dtype == tf.uint8 else tf.cast(image, dtype)


def image_shape(config) -> Shape:
    """H, W, C of the images in a model's config."""
    return config.height, config.width, config.channels


def shape_in_words(shape: Shape) -> str:
    """An image size for messages.

    >>> shape_in_words((32, 48, 3))
    '32 x 48 x 3'
    """
    return " x ".join(map(str, shape))


def check_same_shape(expected: Shape, found: Shape, mismatch: str, remedy: str) -> None:
    """Check that images have the expected size.

    Args:
        expected: expected H, W, C.
        found: actual H, W, C.
        mismatch: the error's first sentence, with placeholders `{expected}` and `{found}` and
            without a full stop.
        remedy: a sentence that says what to do.

    Raises:
        UserError: the sizes differ.
    """
    if tuple(expected) != tuple(found):
        sizes = {"expected": shape_in_words(expected), "found": shape_in_words(found)}
        raise UserError(f"{mismatch.format(**sizes)} (height x width x channels). {remedy}")
