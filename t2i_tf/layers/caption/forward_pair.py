"""The two caption LSTMs of the authors' code, both of which read from the left."""

import keras
import tensorflow as tf


class ForwardPair(keras.layers.Layer):
    """Two LSTMs that read the words from the left, and begin at one learned state.

    The authors meant the second to read from the right. Their code reverses the batch instead, so
    that it reads another caption of the batch from the left, and puts its state j beside word j.
    They drew from batches of one caption, in which that other caption is the same one: this is what
    it reads here, so that a drawing does not depend on its batch.

    Args:
        units: units per LSTM.
        initializer: initializer of the weights.

    Call arguments:
        words: embedded words [B, N, D].
        mask: bool [B, N], false at padding.

    Output:
        [B, N, 2 * units].
    """

    def __init__(self, units, initializer, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True  # the caption encoder returns the mask: Keras need not warn
        self.units = units
        self.first, self.second = (
            keras.layers.LSTM(
                units,
                return_sequences=True,
                kernel_initializer=initializer,
                recurrent_initializer=initializer,
                unit_forget_bias=False,
                use_cudnn=False,  # an exported graph must run on machines without a GPU
                dtype=self.dtype_policy,
                name=name,
            )
            for name in ("first", "second")
        )

    def build(self, words_shape):  # noqa: D102
        self.first.build(words_shape)
        self.second.build(words_shape)
        self.initial = self.add_weight(shape=(self.units,), initializer="zeros", name="initial_h")

    def call(self, words: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:  # noqa: D102
        initial = tf.cast(self.initial.value, self.compute_dtype)[None]
        hidden = tf.tile(initial, [tf.shape(words)[0], 1])
        state = [hidden, tf.zeros_like(hidden)]
        states = [lstm(words, mask=mask, initial_state=state) for lstm in (self.first, self.second)]
        return tf.concat(states, axis=-1)
