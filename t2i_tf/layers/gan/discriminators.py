"""Discriminators of the Laplacian pyramid: is an image real, and does it match its caption?"""

import keras
import tensorflow as tf

from t2i_tf.layers.gan.sentence_plane import SentencePlane, unit_scale


class DenseDiscriminator(keras.layers.Layer):
    """Small images and their sentences to logits of "real", through two hidden layers.

    Args:
        shape: H, W, C of the image.
        text_units: width of the sentence's projection, which joins the pixels.
        units: units of each hidden layer.
        dropout: dropout rate after each hidden layer.
        initializer: initializer of all weights.

    Call arguments:
        images: [B, H, W, C].
        sentence: [B, D].
        seed: int32 [2], seed of the dropout; None means no dropout.

    Output:
        Logits [B].
    """

    def __init__(self, shape, text_units, units, dropout, initializer, **kwargs):
        super().__init__(**kwargs)
        self.pixels = shape[0] * shape[1] * shape[2]
        self.text_units = text_units
        self.dropout = dropout

        def dense(width, activation, name):
            return keras.layers.Dense(
                width,
                activation=activation,
                kernel_initializer=initializer,
                dtype=self.dtype_policy,
                name=name,
            )

        self.text = dense(text_units, "relu", "text")
        self.hidden = [dense(units, "relu", name) for name in ("hidden_1", "hidden_2")]
        self.head = dense(1, None, "head")

    def build(self, images_shape, sentence_shape):  # noqa: D102
        self.text.build(sentence_shape)
        width = self.pixels + self.text_units
        for layer in self.hidden:
            layer.build((None, width))
            width = layer.units
        self.head.build((None, width))

    def call(self, images, sentence, seed=None):  # noqa: D102
        text = self.text(unit_scale(sentence))
        pixels = tf.cast(tf.reshape(images, [-1, self.pixels]), text.dtype)
        x = tf.concat([pixels, text], axis=-1)
        for k, layer in enumerate(self.hidden):
            x = dropout(layer(x), self.dropout, seed, k)
        return tf.cast(self.head(x)[:, 0], self.variable_dtype)


class ConvDiscriminator(keras.layers.Layer):
    """Images with a sentence plane to logits of "real" (code of Denton et al. 2015).

        conv 5x5 - ReLU - conv 5x5, stride 2 - ReLU - dropout - dense

    Args:
        shape: H, W, C of the image.
        filters: filters of the convolutions.
        dropout: dropout rate before the last layer.
        initializer: initializer of all weights.

    Call arguments and output are those of `DenseDiscriminator`.
    """

    def __init__(self, shape, filters, dropout, initializer, **kwargs):
        super().__init__(**kwargs)
        self.shape = shape
        self.dropout = dropout
        common = {"kernel_initializer": initializer, "dtype": self.dtype_policy}
        self.sentence_plane = SentencePlane(
            *shape[:2], initializer, dtype=self.dtype_policy, name="text"
        )
        self.fine, self.strided = (
            keras.layers.Conv2D(
                filters,
                5,
                strides,
                padding="same",
                data_format="channels_last",
                activation="relu",
                name=name,
                **common,
            )
            for strides, name in ((1, "conv_1"), (2, "conv_2"))
        )
        self.head = keras.layers.Dense(1, name="head", **common)
        half = -(-shape[0] // 2) * -(-shape[1] // 2)
        self.features = half * filters

    def build(self, images_shape, sentence_shape):  # noqa: D102
        height, width, channels = self.shape
        self.sentence_plane.build(sentence_shape)
        self.fine.build((None, height, width, channels + 1))
        self.strided.build((None, height, width, self.fine.filters))
        self.head.build((None, self.features))

    def call(self, images, sentence, seed=None):  # noqa: D102
        plane = self.sentence_plane(sentence)
        x = tf.concat([tf.cast(images, plane.dtype), plane], axis=-1)
        x = self.strided(self.fine(x))
        x = dropout(tf.reshape(x, [-1, self.features]), self.dropout, seed, 0)
        return tf.cast(self.head(x)[:, 0], self.variable_dtype)


def dropout(x: tf.Tensor, rate: float, seed: tf.Tensor | None, number: int) -> tf.Tensor:
    """Dropout with a seed int32 [2] and the layer's number; a seed of None leaves x as it is."""
    if seed is None or not rate:
        return x
    return tf.nn.experimental.stateless_dropout(x, rate, tf.random.fold_in(seed, number))
