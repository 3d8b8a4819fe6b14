"""An image as a grid of features, for attention over its positions."""

import math

import keras
import tensorflow as tf

from t2i_tf.layers.conv_stacks import ConvStack

SIDE = 8  # positions along the longer side of the grid, approximately


class ImageEncoder(keras.layers.Layer):
    """Convolutions that end in a grid of about 8 x 8 positions (our choice throughout).

    Pixels are centred at 0. Each 4x4 convolution of stride 2 halves the image, until its longer
    side is nearest to 8; two 3x3 convolutions then widen each position's receptive field. A learned
    position embedding is added, so that attention can depend on position.

    Args:
        height, width, channels: size of the images.
        filters: filters of the first convolution; each further halving has twice as many.
        initializer: initializer of every weight.
        normalized: whether the features of each position have mean 0 and variance 1, before the
            position embedding is added.

    Call arguments:
        image: float [B, H, W, C] in [0, 1].

    Output:
        [B, G, D], the grid row by row; G is the product of `grid`, D is `units`.
    """

    def __init__(self, height, width, channels, filters, initializer, normalized=False, **kwargs):
        super().__init__(**kwargs)
        self.normalized = normalized
        self.normalize = keras.layers.LayerNormalization(
            center=False, scale=False, dtype=self.dtype_policy, name="normalize"
        )
        self.shape = (height, width, channels)
        self.initializer = initializer
        halvings = max(0, round(math.log2(max(height, width) / SIDE)))
        self.halve = ConvStack(
            self.shape,
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
                data_format="channels_last",
                activation="relu",
                kernel_initializer=initializer,
                dtype=self.dtype_policy,
                name=f"widen_{k}",
            )
            for k in range(2)
        ]

    def build(self, image_shape):  # noqa: D102
        self.halve.build((None, *self.shape))
        units = self.halve.shapes[-1][-1]
        for convolution in self.widen:
            convolution.build((None, *self.grid, units))
            units = self.units
        self.positions = self.add_weight(
            shape=(math.prod(self.grid), self.units), initializer=self.initializer, name="places"
        )

    def call(self, image: tf.Tensor) -> tf.Tensor:  # noqa: D102
        features = self.halve(2.0 * tf.cast(image, self.compute_dtype) - 1.0)
        for convolution in self.widen:
            features = convolution(features)
        if self.normalized:
            features = self.normalize(features)
        return tf.reshape(features, [-1, *self.positions.shape]) + self.positions
