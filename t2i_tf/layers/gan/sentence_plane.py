"""Sentence vectors as inputs of a network: rescaled, and as a plane beside the colours."""

import keras
import tensorflow as tf


def unit_scale(sentence: tf.Tensor) -> tf.Tensor:
    """Vectors [B, D], rescaled to a mean square of 1 (our choice).

    Skip-thought vectors that are not standardized have the length sqrt 2, so 4,800 entries near
    0.02: with weights of the usual size the noise would drown them out.
    """
    square = tf.reduce_mean(tf.square(sentence), axis=-1, keepdims=True)
    return sentence * tf.math.rsqrt(square + 1e-12)


class SentencePlane(keras.layers.Layer):
    """Sentences [B, D] to a plane [B, H, W, 1] beside the colours (authors' sharpening network).

        plane = ReLU(W s + b)

    Args:
        height, width: size of the plane, pixels.
        initializer: initializer of W.
    """

    def __init__(self, height, width, initializer, **kwargs):
        super().__init__(**kwargs)
        self.height, self.width = height, width
        self.dense = keras.layers.Dense(
            height * width,
            activation="relu",
            kernel_initializer=initializer,
            dtype=self.dtype_policy,
            name="dense",
        )

    def build(self, sentence_shape):  # noqa: D102
        self.dense.build(sentence_shape)

    def call(self, sentence: tf.Tensor) -> tf.Tensor:  # noqa: D102
        plane = self.dense(unit_scale(sentence))
        return tf.reshape(plane, [-1, self.height, self.width, 1])
