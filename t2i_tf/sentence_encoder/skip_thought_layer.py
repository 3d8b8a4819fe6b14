"""Skip-thought vectors (Kiros et al. 2015): the last states of GRUs that read a sentence."""

import keras
import tensorflow as tf


class SkipThoughtLayer(keras.layers.Layer):
    """The combine-skip encoder: word ids to a vector of two parts, each of length 1.

        u_t = sigmoid(W_u x_t + U_u h_{t-1}),   r_t = sigmoid(W_r x_t + U_r h_{t-1})
        h_t = u_t h_{t-1} + (1 - u_t) tanh(W x_t + r_t (U h_{t-1}))

    The first part, uni-skip, is the last state of one GRU of 2 U units; the second, bi-skip, the
    last states of two GRUs of U units, one of which reads the words backwards. Each part has its
    own word embedding. Padding has no effect. Keras' GRU with `reset_after` is the published
    recurrence if the recurrent bias is zero.

    Args:
        vocabulary_size: V, padding and unknown included.
        embedding_units: width of the word embeddings.
        units: U; the vector has 4 U numbers, 4,800 in the published encoder.
        initializer: initializer of the input kernels. Embeddings are N(0, 1), recurrent kernels
            orthogonal.
        seed: seed of embeddings and recurrent kernels.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_units: int,
        units: int,
        initializer="glorot_uniform",
        seed: int | keras.random.SeedGenerator = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.words = {
            part: keras.layers.Embedding(
                vocabulary_size,
                embedding_units,
                embeddings_initializer=keras.initializers.RandomNormal(stddev=1.0, seed=seed),
                dtype=self.dtype_policy,
                name=f"{part}_words",
            )
            for part in ("uni", "bi")
        }
        self.grus = {
            name: keras.layers.GRU(
                size,
                go_backwards=name == "backward",
                kernel_initializer=initializer,
                recurrent_initializer=keras.initializers.Orthogonal(seed=seed),
                reset_after=True,
                use_cudnn=False,  # XLA and exported graphs cannot contain cuDNN's
                dtype=self.dtype_policy,
                name=name,
            )
            for name, size in (("uni", 2 * units), ("forward", units), ("backward", units))
        }
        for embedding in self.words.values():
            embedding.build((None, None))
        for gru in self.grus.values():
            gru.build((None, None, embedding_units))
        self.built = True

    def call(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Word ids int32 [B, N], padded with 0, to vectors [B, 4 U]."""
        mask = token_ids > 0
        uni, bi = (self.words[part](token_ids) for part in ("uni", "bi"))
        both_ways = [self.grus[name](bi, mask=mask) for name in ("forward", "backward")]
        parts = self.grus["uni"](uni, mask=mask), tf.concat(both_ways, axis=-1)
        return tf.concat([tf.math.l2_normalize(part, axis=-1) for part in parts], axis=-1)
