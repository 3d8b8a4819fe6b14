"""How the decoder reads the caption at a step: the only part in which the DRAW systems differ."""

from abc import abstractmethod
from typing import NamedTuple

import keras
import tensorflow as tf


class Memory(NamedTuple):
    """What the steps attend to, computed once before the first step."""

    values: tf.Tensor  # [B, N, D]
    keys: tf.Tensor  # [B, N, A], or [B, N, 0] without attention
    mask: tf.Tensor  # bool [B, N], false at padding


class Conditioner(keras.layers.Layer):
    """The contract: `memorize` a caption once, then `call` at every step."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True  # the memory carries the mask: Keras need not warn

    def build(self, caption_states_shape, decoder_output_shape):
        """Create the weights, if there are any."""

    @abstractmethod
    def memorize(self, caption_states: tf.Tensor, caption_mask: tf.Tensor) -> Memory:
        """Caption states [B, N, D] and their mask [B, N] to the memory that every step reads."""

    @abstractmethod
    def call(self, memory: Memory, decoder_output: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Memory and decoder output h_{t-1} [B, U] to context [B, D] and alignment [B, N]."""


class Align(Conditioner):
    """Attention over the words (paper, equations 1 to 3; Bahdanau et al. 2014).

        e_j = v . tanh(U h_j + W h_{t-1} + b),   alpha = softmax(e),   s_t = sum_j alpha_j h_j

    U h_j does not depend on the step and is computed once.

    Args:
        units: A, units of the alignment function.
        initializer: initializer of U, W and v.
    """

    def __init__(self, units, initializer, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.initializer = initializer
        self.key = keras.layers.Dense(
            units, kernel_initializer=initializer, dtype=self.dtype_policy, name="key"
        )
        self.query = keras.layers.Dense(
            units,
            use_bias=False,
            kernel_initializer=initializer,
            dtype=self.dtype_policy,
            name="query",
        )

    def build(self, caption_states_shape, decoder_output_shape):  # noqa: D102
        self.key.build(caption_states_shape)
        self.query.build(decoder_output_shape)
        self.score = self.add_weight(
            shape=(self.units, 1), initializer=self.initializer, name="score"
        )

    def memorize(self, caption_states, caption_mask):  # noqa: D102
        return Memory(caption_states, self.key(caption_states), caption_mask)

    def call(self, memory, decoder_output):  # noqa: D102
        query = self.query(decoder_output)[:, None, :]
        compared = tf.reshape(tf.tanh(memory.keys + query), [-1, self.units])
        energy = tf.reshape(tf.matmul(compared, self.score), tf.shape(memory.mask))
        alignment = _softmax(tf.cast(energy, self.variable_dtype), memory.mask)
        return _weighted_mean(memory.values, alignment), alignment


class Average(Conditioner):
    """noalignDRAW: the mean of the words' states, the same at every step."""

    def memorize(self, caption_states, caption_mask):  # noqa: D102
        return Memory(caption_states, caption_states[:, :, :0], caption_mask)

    def call(self, memory, decoder_output):  # noqa: D102
        alignment = _softmax(tf.zeros_like(memory.mask, self.variable_dtype), memory.mask)
        return _weighted_mean(memory.values, alignment), alignment


def _softmax(energy: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    return tf.nn.softmax(tf.where(mask, energy, -1e9))


def _weighted_mean(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(values * tf.cast(weights, values.dtype)[:, :, None], axis=1)
