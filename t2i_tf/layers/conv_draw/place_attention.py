"""Attention over the words from every place of a grid."""

import math

import keras
import tensorflow as tf

from t2i_tf.layers.conv_draw.grid_conv import GridConv
from t2i_tf.layers.draw.conditioning import Memory


class PlaceAttention(keras.layers.Layer):
    """Scaled dot-product attention, whose queries from all h * w places are one matrix product.

        e_pj = (U h_j) . (W g_p) / sqrt(A),   alpha_p = softmax(e_p),   s_p = sum_j alpha_pj V h_j

    with the caption state h_j of word j and the grid g at place p. Keys U h_j and values V h_j do
    not depend on the step and are computed once.

    Args:
        units: A, width of keys and queries.
        context_units: width of the values, and so of the context.
        initializer: initializer of U, V and W.
    """

    def __init__(self, units, context_units, initializer, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True  # the memory carries the mask: Keras need not warn
        self.units = units

        def dense(width, name):
            return keras.layers.Dense(
                width,
                use_bias=False,
                kernel_initializer=initializer,
                dtype=self.dtype_policy,
                name=name,
            )

        self.key, self.value = dense(units, "key"), dense(context_units, "value")
        self.query = GridConv(units, 1, initializer, dtype=self.dtype_policy, name="query")

    def build(self, caption_states_shape, grid_shape):  # noqa: D102
        self.key.build(caption_states_shape)
        self.value.build(caption_states_shape)
        self.query.build(grid_shape)

    def memorize(self, caption_states: tf.Tensor, caption_mask: tf.Tensor) -> Memory:
        """Caption states [B, N, D] and their mask [B, N] to the memory that every step reads."""
        return Memory(self.value(caption_states), self.key(caption_states), caption_mask)

    def call(self, memory: Memory, grid: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Attend to the words.

        Args:
            memory: the caption, from `memorize`.
            grid: [B, h, w, U].

        Returns:
            Context [B, h, w, `context_units`], and the alignment of each place, [B, h * w, N].
        """
        height, width = grid.shape[1:3]
        query = tf.reshape(self.query(grid), [-1, height * width, self.units])
        energy = tf.matmul(query, memory.keys, transpose_b=True) / math.sqrt(self.units)
        energy = tf.where(memory.mask[:, None], tf.cast(energy, self.variable_dtype), -1e9)
        alignment = tf.nn.softmax(energy)
        context = tf.matmul(tf.cast(alignment, memory.values.dtype), memory.values)
        return tf.reshape(context, [-1, height, width, memory.values.shape[-1]]), alignment
