"""A picture through convolutions that halve it, and back: each the mirror of the other."""

from collections.abc import Sequence

import keras
import tensorflow as tf

SIZE, STRIDE = 4, 2  # of every convolution, pixels

Shape = tuple[int, int, int]


def stack_shapes(shape: Shape, filters: Sequence[int]) -> list[Shape]:
    """H, W, C of the picture and of what each convolution makes of it; halves are rounded up."""
    shapes = [shape]
    for count in filters:
        height, width, _ = shapes[-1]
        shapes.append((-(-height // STRIDE), -(-width // STRIDE), count))
    return shapes


class ConvStack(keras.layers.Layer):
    """4x4 convolutions of stride 2, each with a ReLU.

    Args:
        shape: H, W, C of the pictures.
        filters: of each convolution.
        initializer: of all weights.

    Call arguments:
        picture: [B, H, W, C].

    Output:
        Features [B, h, w, F], of the last of `stack_shapes`.
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
                activation="relu",
                kernel_initializer=initializer,
                dtype=self.dtype_policy,
                name=f"conv_{k}",
            )
            for k, count in enumerate(filters)
        ]

    def build(self, picture_shape):  # noqa: D102
        for convolution, shape in zip(self.convolutions, self.shapes, strict=False):
            convolution.build((None, *shape))

    def call(self, picture: tf.Tensor) -> tf.Tensor:  # noqa: D102
        for convolution in self.convolutions:
            picture = convolution(picture)
        return picture


class DeconvStack(keras.layers.Layer):
    """The mirror of a `ConvStack`: transposed convolutions, a ReLU between them, none at the end.

    Each gives twice the sides; a row or column too many, where the stack rounded a half up, is cut
    off at the bottom or right. So every layer is the transpose of the convolution that it mirrors,
    whatever the size.

    Args:
        shape: H, W, C of the pictures.
        filters: of each convolution that is mirrored, in the order of the `ConvStack`.
        initializer: of all weights.

    Call arguments:
        features: [B, h, w, F], of the last of `stack_shapes`.

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
