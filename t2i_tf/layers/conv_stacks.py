"""Strided convolutions that halve an image, and transposed convolutions that mirror them."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from t2i_tf.image_ops import Shape

SIZE, STRIDE = 4, 2  # of every convolution, pixels


def stack_shapes(shape: Shape, filters: Sequence[int]) -> list[Shape]:
    """H, W, C of the image and of each convolution's output; halves are rounded up."""
    shapes = [shape]
    for count in filters:
        height, width, _ = shapes[-1]
        shapes.append((-(-height // STRIDE), -(-width // STRIDE), count))
    return shapes


class ConvStack(keras.layers.Layer):
    """4x4 convolutions of stride 2, each with a ReLU.

    Args:
        shape: H, W, C of the images.
        filters: filters of each convolution.
        initializer: initializer of all weights.

    Call arguments:
        image: [B, H, W, C].

    Output:
        Features [B, h, w, F], the last of `stack_shapes`.
    """

    def __init__(self, shape, filters, initializer, **kwargs):
        super().__init__(**kwargs)
        self.shapes = stack_shapes(shape, filters)
        self.convolutions = [
            keras.layers.Conv2D(
                count,
                SIZE,
                STRIDE,
                padding="same",
                data_format="channels_last",
                activation="relu",
                kernel_initializer=initializer,
                dtype=self.dtype_policy,
                name=f"conv_{k}",
            )
            for k, count in enumerate(filters)
        ]

    def build(self, image_shape):  # noqa: D102
        for convolution, shape in zip(self.convolutions, self.shapes, strict=False):
            convolution.build((None, *shape))

    def call(self, image: tf.Tensor) -> tf.Tensor:  # noqa: D102
        features = image
        for convolution in self.convolutions:
            features = convolution(features)
        return features


class DeconvStack(keras.layers.Layer):
    """The mirror of a `ConvStack`: transposed convolutions with ReLUs between them.

    Each doubles the height and width; where the stack rounded a half up, the extra row or column is
    cut off at the bottom or right. Every layer is thus the transpose of the convolution that it
    mirrors, whatever the size.

    Args:
        shape: H, W, C of the images.
        filters: filters of each mirrored convolution, in the order of the `ConvStack`.
        initializer: initializer of all weights.

    Call arguments:
        features: [B, h, w, F], the last of `stack_shapes`.

    Output:
        [B, H, W, C], linear.
    """

    def __init__(self, shape, filters, initializer, **kwargs):
        super().__init__(**kwargs)
        self.shapes = stack_shapes(shape, filters)[::-1]
        last = len(filters) - 1
        self.convolutions = [
            keras.layers.Conv2DTranspose(
                channels,
                SIZE,
                STRIDE,
                padding="same",
                data_format="channels_last",
                activation="relu" if k < last else None,
                kernel_initializer=initializer,
                dtype=self.dtype_policy,
                name=f"deconv_{k}",
            )
            for k, (_, _, channels) in enumerate(self.shapes[1:])
        ]

    def build(self, features_shape):  # noqa: D102
        for convolution, shape in zip(self.convolutions, self.shapes, strict=False):
            convolution.build((None, *shape))

    def call(self, features: tf.Tensor) -> tf.Tensor:  # noqa: D102
        for convolution, shape in zip(self.convolutions, self.shapes[1:], strict=True):
            height, width, _ = shape
            features = convolution(features)[:, :height, :width]
        return features
