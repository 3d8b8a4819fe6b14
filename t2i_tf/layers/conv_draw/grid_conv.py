"""Convolutions over a grid of places as matrix products, for loops whose gradient XLA compiles."""

import keras
import tensorflow as tf


class GridConv(keras.layers.Layer):
    """A convolution of stride 1 with zeros around the grid.

    It is one matrix product of all neighbourhoods: on a CPU, XLA took longer to compile and run a
    few steps of training with its own convolutions. The gradient gathers the neighbourhoods anew,
    so that a loop keeps the grid of every step and not its k x k shifted copies.

    Args:
        filters: channels of the output.
        size: k, places along a side of a neighbourhood.
        initializer: initializer of the kernel.
        bias_initializer: initializer of the bias; None means no bias.

    Call arguments:
        grid: [B, h, w, C].

    Output:
        [B, h, w, filters].
    """

    def __init__(self, filters, size, initializer, bias_initializer="zeros", **kwargs):
        super().__init__(**kwargs)
        self.filters, self.size = filters, size
        self.initializer, self.bias_initializer = initializer, bias_initializer

    def build(self, grid_shape):  # noqa: D102
        self.kernel = self.add_weight(
            shape=(self.size, self.size, grid_shape[-1], self.filters),
            initializer=self.initializer,
            name="kernel",
        )
        self.bias = (
            self.add_weight(shape=(self.filters,), initializer=self.bias_initializer, name="bias")
            if self.bias_initializer is not None
            else None
        )

    def call(self, grid: tf.Tensor) -> tf.Tensor:  # noqa: D102
        result = convolve(grid, tf.convert_to_tensor(self.kernel))
        return result if self.bias is None else result + self.bias


@tf.custom_gradient
def convolve(grid: tf.Tensor, kernel: tf.Tensor):
    """Convolve grids [B, h, w, C] with a kernel [k, k, C, F]: [B, h, w, F]."""
    size, _, channels, filters = kernel.shape
    height, width = grid.shape[1:3]
    matrix = tf.reshape(kernel, [size * size * channels, filters])
    result = tf.matmul(_neighbourhoods(grid, size), matrix)

    def gradient(upstream):
        upstream = tf.reshape(upstream, [-1, filters])
        of_matrix = tf.matmul(_neighbourhoods(grid, size), upstream, transpose_a=True)
        shares = tf.reshape(
            tf.matmul(upstream, matrix, transpose_b=True),
            [-1, height, width, size * size * channels],
        )
        return _summed(shares, size), tf.reshape(of_matrix, kernel.shape)

    return tf.reshape(result, [-1, height, width, filters]), gradient


def _neighbourhoods(grid: tf.Tensor, size: int) -> tf.Tensor:
    """Grids [B, h, w, C] to the k x k places around each place, [B * h * w, k * k * C]."""
    height, width, channels = grid.shape[1:]
    before, after = (size - 1) // 2, size // 2
    padded = tf.pad(grid, [[0, 0], [before, after], [before, after], [0, 0]])
    shifted = [padded[:, y : y + height, x : x + width] for y in range(size) for x in range(size)]
    return tf.reshape(tf.concat(shifted, axis=-1), [-1, size * size * channels])


def _summed(shares: tf.Tensor, size: int) -> tf.Tensor:
    """The transpose of `_neighbourhoods`: [B, h, w, k * k * C] to [B, h, w, C]."""
    height, width = shares.shape[1:3]
    before = (size - 1) // 2
    total = 0.0
    for place, share in enumerate(tf.split(shares, size * size, axis=-1)):
        y, x = divmod(place, size)
        padded = tf.pad(share, [[0, 0], [y, size - 1 - y], [x, size - 1 - x], [0, 0]])
        total += padded[:, before : before + height, before : before + width]
    return total
