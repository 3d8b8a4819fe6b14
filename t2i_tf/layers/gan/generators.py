"""Generators of the Laplacian pyramid: the smallest images, and residuals for coarse images."""

import keras
import tensorflow as tf

from t2i_tf.layers.gan.sentence_plane import SentencePlane, unit_scale


class DenseGenerator(keras.layers.Layer):
    """Noise and a sentence to a small image, through two hidden layers.

    Args:
        shape: H, W, C of the image.
        text_units: width of the sentence's projection, which joins the noise.
        units: units of each hidden layer.
        initializer: initializer of all weights.

    Call arguments:
        noise: [B, Z].
        sentence: [B, D].

    Output:
        Images [B, H, W, C] in [0, 1].
    """

    def __init__(self, shape, text_units, units, initializer, **kwargs):
        super().__init__(**kwargs)
        self.shape = shape
        self.text_units = text_units

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
        self.head = dense(shape[0] * shape[1] * shape[2], "sigmoid", "head")

    def build(self, noise_shape, sentence_shape):  # noqa: D102
        self.text.build(sentence_shape)
        width = noise_shape[-1] + self.text_units
        for layer in self.hidden:
            layer.build((None, width))
            width = layer.units
        self.head.build((None, width))

    def call(self, noise: tf.Tensor, sentence: tf.Tensor) -> tf.Tensor:  # noqa: D102
        x = tf.concat([noise, self.text(unit_scale(sentence))], axis=-1)
        for layer in self.hidden:
            x = layer(x)
        image = tf.reshape(self.head(x), [-1, *self.shape])
        return tf.cast(image, self.variable_dtype)


class ResidualGenerator(keras.layers.Layer):
    """Residuals for coarse images, from the planes [noise, text, colours] (authors' code).

        conv 7x7 - ReLU - conv 7x7 - ReLU - conv 5x5

    The last convolution is initially zero, so that training starts with zero residuals (our
    choice). From random weights they are noise, and a thousand steps pass before it is gone.

    Args:
        shape: H, W, C of the image.
        filters: filters of the hidden convolutions.
        initializer: initializer of all weights but the last convolution's.

    Call arguments:
        noise: [B, H * W].
        sentence: [B, D].
        coarse: images [B, H, W, C] in [0, 1].

    Output:
        Residuals [B, H, W, C], to be added to the coarse images.
    """

    def __init__(self, shape, filters, initializer, **kwargs):
        super().__init__(**kwargs)
        self.shape = shape
        height, width, channels = shape
        self.sentence_plane = SentencePlane(
            height, width, initializer, dtype=self.dtype_policy, name="text_plane"
        )

        def conv(filters, side, activation, kernel_initializer, name):
            return keras.layers.Conv2D(
                filters,
                side,
                padding="same",
                data_format="channels_last",
                activation=activation,
                kernel_initializer=kernel_initializer,
                dtype=self.dtype_policy,
                name=name,
            )

        self.convolutions = [
            conv(filters, 7, "relu", initializer, "conv_1"),
            conv(filters, 7, "relu", initializer, "conv_2"),
            conv(channels, 5, None, "zeros", "conv_3"),
        ]

    def build(self, noise_shape, sentence_shape, coarse_shape=None):  # noqa: D102
        height, width, planes = *self.shape[:2], 2 + self.shape[2]
        self.sentence_plane.build(sentence_shape)
        for layer in self.convolutions:
            layer.build((None, height, width, planes))
            planes = layer.filters

    def call(self, noise: tf.Tensor, sentence: tf.Tensor, coarse: tf.Tensor) -> tf.Tensor:  # noqa: D102
        noise_plane = tf.reshape(noise, [-1, *self.shape[:2], 1])
        x = tf.concat([noise_plane, self.sentence_plane(sentence), coarse], axis=-1)
        for layer in self.convolutions:
            x = layer(x)
        return tf.cast(x, self.variable_dtype)
