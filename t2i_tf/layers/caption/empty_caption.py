"""The empty caption: what a model reads in place of a caption that it is not given."""

import keras
import tensorflow as tf


class EmptyToken:
    """For models that read words: a caption of one token, whose embedding is trained.

    It passes through caption encoder, attention and padding as any word does.

    Args:
        token_id: id of the token, one beyond the last word of the vocabulary.
    """

    def __init__(self, token_id: int):
        self.token_id = token_id

    def __call__(self, caption: tf.Tensor) -> tf.Tensor:
        """The empty caption for a batch.

        Args:
            caption: token ids [B, N], which give the empty caption its padding and dtype; or
                vectors float [B, D], for which it is not padded.

        Returns:
            Token ids [B, N], or [B, 1].
        """
        caption = tf.convert_to_tensor(caption)
        batch, words = tf.unstack(tf.shape(caption))
        if caption.dtype.is_floating:
            return tf.fill([batch, 1], self.token_id)
        token = tf.fill([batch, 1], tf.cast(self.token_id, caption.dtype))
        return tf.pad(token, [[0, 0], [0, words - 1]])


class EmptySentence(keras.layers.Layer):
    """For models that read sentence vectors: a trained vector.

    It begins as N(0, 1): sentence vectors are standardized, and networks that rescale them have no
    gradient at 0.

    Args:
        units: D, width of the sentence vectors.
        seed: seed of the initial vector.
        dtype: dtype or policy of the model.
    """

    def __init__(self, units: int, seed: int, dtype=None):
        # Captions are kept as they come, and the vector in the precision of the weights.
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        super().__init__(name="empty_caption", dtype=policy.variable_dtype, autocast=False)
        initializer = keras.initializers.RandomNormal(stddev=1.0, seed=seed)
        self.vector = self.add_weight(shape=(units,), initializer=initializer, name="vector")
        self.built = True

    def call(self, caption: tf.Tensor) -> tf.Tensor:
        """The empty caption for a batch: [B, D], as `caption` is."""
        caption = tf.convert_to_tensor(caption)
        vector = tf.cast(self.vector, caption.dtype)
        return tf.tile(vector[None], [tf.shape(caption)[0], 1])
