"""The language model: two LSTMs over the words of a caption."""

import keras
import tensorflow as tf

from t2i_tf.layers.caption.forward_pair import ForwardPair


class CaptionEncoder(keras.layers.Layer):
    """Words to states, h_j = [forward_j, backward_j] (paper, section 3.1).

    The authors feed one-hot words straight into the gates; here a word embedding comes first, which
    contains theirs as the case of width 4 * units (for each LSTM) and identity input kernels. Their
    backward LSTM reversed the batch rather than the words; this one reverses the words. Initial
    states are zero. `ForwardPair` reads as theirs, for their weights.

    Args:
        vocabulary_size: V, padding (id 0) and unknown (id 1) included.
        embedding_units: width of the word embedding.
        units: LSTM units per direction.
        initializer: initializer of the LSTM's weights.
        embedding_initializer: initializer of the word embedding; None means `initializer`.
        reader: `bidirectional`, or `authors` for a `ForwardPair`.

    Call arguments:
        caption: token ids int32 [B, N], padded with 0 at the end; or vectors [B, 2 * units] from
            `represent`, or means of them, each of which becomes the only state of a caption.

    Output:
        caption_states [B, N, 2 * units], and caption_mask bool [B, N], false at padding.
    """

    def __init__(
        self,
        vocabulary_size,
        embedding_units,
        units,
        initializer,
        embedding_initializer=None,
        reader="bidirectional",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.embedding = keras.layers.Embedding(
            vocabulary_size,
            embedding_units,
            embedding_initializer or initializer,
            dtype=self.dtype_policy,
            name="embedding",
        )
        if reader == "authors":
            self.lstm = ForwardPair(units, initializer, dtype=self.dtype_policy, name="pair")
            return
        self.lstm = keras.layers.Bidirectional(
            keras.layers.LSTM(
                units,
                return_sequences=True,
                unit_forget_bias=False,
                use_cudnn=False,  # an exported graph must run on machines without a GPU
                dtype=self.dtype_policy,
                name="lstm",
            ),
            dtype=self.dtype_policy,
            name="bidirectional",
        )
        # Keras copies the LSTM for both directions, and with it the generator of the initializer:
        # all their kernels would start with the same values.
        for direction in (self.lstm.forward_layer, self.lstm.backward_layer):
            direction.cell.kernel_initializer = initializer
            direction.cell.recurrent_initializer = initializer

    def build(self, token_ids_shape):  # noqa: D102
        self.embedding.build(token_ids_shape)
        self.lstm.build((*token_ids_shape, self.embedding.output_dim))

    def call(self, caption: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:  # noqa: D102
        caption = tf.convert_to_tensor(caption)
        if caption.dtype.is_floating:
            return single_caption_state(caption, self.compute_dtype)
        mask = tf.not_equal(caption, 0)
        return self.lstm(self.embedding(caption), mask=mask), mask

    def represent(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Each caption of [B, N] as one vector, the mean of its words' states, [B, D]."""
        states, mask = self(token_ids)
        weights = tf.cast(mask, states.dtype)
        total = tf.reduce_sum(states * weights[:, :, None], axis=1)
        return total / tf.reduce_sum(weights, axis=1, keepdims=True)


def single_caption_state(vector: tf.Tensor, dtype: str) -> tuple[tf.Tensor, tf.Tensor]:
    """Vectors [B, D] as caption states [B, 1, D] with their mask [B, 1]."""
    states = tf.cast(vector, dtype)[:, None]
    return states, tf.ones(tf.shape(states)[:2], tf.bool)
