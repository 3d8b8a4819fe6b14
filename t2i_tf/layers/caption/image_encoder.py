"""A picture as a grid of features, for attention over its places."""

import math

import keras
import tensorflow as tf

from t2i_tf.layers.conv_stacks import ConvStack

SIDE = 8  # places along the longer side of the grid, about


class ImageEncoder(keras.layers.Layer):
    """Convolutions that end in about 8 x 8 places (our choice throughout).

    Pixels are centred at 0. Each 4x4 convolution of stride 2 halves the picture, until its longer
    side is nearest to 8; two 3x3 convolutions then let each place see its neighbourhood. A learned
    vector is added at each place, so that whoever attends to it can tell where it is.

    Args:
        height, width, channels: of the pictures.
        filters: of the first convolution; each of the next halvings has twice as many.
        initializer: of every weight.

    Call arguments:
        image: float [B, H, W, C] in [0, 1].

    Output:
        [B, G, D], the places row by row; G is the product of `grid`, D is `units`.
    """

    def __init__(self, height, width, channels, filters, initializer, **kwargs):
        super().__init__(**kwargs)
        self.picture = (height, width, channels)
        self.initializer = initializer
        halvings = max(0, round(math.log2(max(height, width) / SIDE)))
        self.halve = ConvStack(
            self.picture,
            [filters * 2**k for k in range(halvings)],
            initializer,
            dtype=self.dtype_policy,
            name="halve",
        )
        self.grid = self.halve.shapes[-1][:2]
        self.units = filters * 2 ** max(0, halvings - 1)
        self.widen = [
            keras.layers.Conv2D(
                self.units,
                3,
                padding="same",
                activation="relu",
                kernel_initializer=initializer,
                dtype=self.dtype_policy,
                name=f"widen_{k}",
            )
            for k in range(2)
        ]

    def build(self, image_shape):  # noqa: D102
        self.halve.build((None, *self.picture))
        units = self.halve.shapes[-1][-1]
        for convolution in self.widen:
            convolution.build((None, *self.grid, units))
            units = self.units
        self.places = self.add_weight(
            shape=(math.prod(self.grid), self.units), initializer=self.initializer, name="places"
        )

    def call(self, image: tf.Tensor) -> tf.Tensor:  # noqa: D102
        features = self.halve(2.0 * tf.cast(image, self.compute_dtype) - 1.0)
        for convolution in self.widen:
            features = convolution(features)
        return tf.reshape(features, [-1, *self.places.shape]) + self.places
