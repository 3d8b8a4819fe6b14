"""The caption decoder: an LSTM that attends to image features before each word."""

from typing import NamedTuple

import keras
import tensorflow as tf

from t2i_tf.layers.draw.conditioning import Align, Memory


class DecoderState(NamedTuple):
    """The LSTM's state between two words."""

    hidden: tf.Tensor  # [B, U]
    cell: tf.Tensor  # [B, U]


class DecoderOutput(NamedTuple):
    """What the next word is predicted from, beside the word before it."""

    hidden: tf.Tensor  # [..., U]
    context: tf.Tensor  # [..., D], the attended features


class CaptionDecoder(keras.layers.Layer):
    """Show, Attend and Tell (Xu et al. 2015) with its soft attention.

        h_0, c_0 = tanh(W mean_i a_i)                                   one layer for both
        e_i = v . tanh(U a_i + W h_{t-1} + b),  alpha = softmax(e),  z_t = sum_i alpha_i a_i
        h_t = LSTM([E y_{t-1}, z_t], h_{t-1})
        p(y_t | y_{<t}, image) = softmax(L_o tanh(L [h_t, z_t, E y_{t-1}] + b))

    The gate on z_t and the penalty for positions that attention neglects are left out, as the
    captions are short.

    Args:
        vocabulary_size: V; id 0 is the mark before the first word and after the last.
        embedding_units: E, width of the word embedding and of the deep output layer L.
        units: U, units of the LSTM.
        align_units: units of the attention.
        initializer: initializer of every weight.
    """

    def __init__(self, vocabulary_size, embedding_units, units, align_units, initializer, **kwargs):
        super().__init__(**kwargs)

        def dense(units, name, activation=None):
            return keras.layers.Dense(
                units,
                activation,
                kernel_initializer=initializer,
                dtype=self.dtype_policy,
                name=name,
            )

        self.embedding = keras.layers.Embedding(
            vocabulary_size,
            embedding_units,
            initializer,
            dtype=self.dtype_policy,
            name="embedding",
        )
        self.align = Align(align_units, initializer, dtype=self.dtype_policy, name="align")
        self.start = dense(2 * units, "start", "tanh")
        self.lstm = keras.layers.LSTMCell(
            units,
            kernel_initializer=initializer,
            recurrent_initializer=initializer,
            dtype=self.dtype_policy,
            name="lstm",
        )
        self.readout = dense(embedding_units, "readout", "tanh")
        self.vocabulary = dense(vocabulary_size, "vocabulary")

    def build(self, features_shape):  # noqa: D102
        features, units = features_shape[-1], self.lstm.units
        embedded = self.embedding.output_dim
        self.embedding.build((None, None))
        self.align.build(features_shape, (None, units))
        self.start.build((None, features))
        self.lstm.build((None, embedded + features))
        self.readout.build((None, units + features + embedded))
        self.vocabulary.build((None, embedded))

    def memorize(self, features: tf.Tensor) -> Memory:
        """Image features [B, G, D] to the memory that attention reads at every word."""
        return self.align.memorize(features, tf.ones(tf.shape(features)[:2], tf.bool))

    def initial_state(self, memory: Memory) -> DecoderState:
        """The state before the first word."""
        both = self.start(tf.reduce_mean(memory.values, axis=1))
        return DecoderState(*tf.split(both, 2, axis=-1))

    def step(
        self, memory: Memory, state: DecoderState, embedded: tf.Tensor
    ) -> tuple[DecoderState, DecoderOutput, tf.Tensor]:
        """Attend to the image and read the previous word.

        Args:
            memory: the image, from `memorize`.
            state: the state after the word before that one.
            embedded: the previous word, [B, E].

        Returns:
            The next state, the output for `deep_output`, and the attention [B, G].
        """
        context, attention = self.align(memory, state.hidden)
        hidden, (_, cell) = self.lstm(tf.concat([embedded, context], -1), list(state))
        return DecoderState(hidden, cell), DecoderOutput(hidden, context), attention

    def deep_output(self, output: DecoderOutput, embedded: tf.Tensor) -> tf.Tensor:
        """tanh(L [h_t, z_t, E y_{t-1}] + b), [..., E], from a step's output and previous word."""
        return self.readout(tf.concat([*output, embedded], -1))

    def log_probabilities(self, deep_output: tf.Tensor) -> tf.Tensor:
        """Log-probability of every word to come next, nats: [..., E] to [..., V]."""
        return tf.nn.log_softmax(tf.cast(self.vocabulary(deep_output), self.variable_dtype))
