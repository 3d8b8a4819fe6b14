"""Images as numbers: pixels from floats, and whether two sizes agree."""

import tensorflow as tf

from t2i_tf.errors import UserError

Shape = tuple[int, int, int]  # H, W, C


def to_pixels(floats: tf.Tensor) -> tf.Tensor:
    """Floats in [0, 1] of any shape as uint8, rounded."""
    return tf.cast(tf.round(255.0 * tf.cast(floats, tf.float32)), tf.uint8)


def image_shape(config) -> Shape:
    """H, W, C of the images that a model config describes."""
    return config.height, config.width, config.channels


def shape_in_words(shape: Shape) -> str:
    """An image size as people write it.

    >>> shape_in_words((32, 48, 3))
    '32 x 48 x 3'
    """
    return " x ".join(map(str, shape))


def check_same_shape(expected: Shape, found: Shape, mismatch: str, remedy: str) -> None:
    """Refuse images of another size.

    Args:
        expected: H, W, C that are needed.
        found: H, W, C that came.
        mismatch: the sentence to say, in which `{expected}` and `{found}` stand for the sizes.
        remedy: what to do about it, a sentence.

    Raises:
        UserError: the two differ.
    """
    if tuple(expected) != tuple(found):
        sizes = {"expected": shape_in_words(expected), "found": shape_in_words(found)}
        raise UserError(f"{mismatch.format(**sizes)} (height x width x channels). {remedy}")
