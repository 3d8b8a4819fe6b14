"""Training of a skip-thought encoder: each caption predicts another caption of its picture."""

import keras
import tensorflow as tf

from t2i_tf.models.trainable_model import TrainableModel
from t2i_tf.sentence_encoder.encoder import SkipThoughtEncoder, weight_names
from t2i_tf.sentence_encoder.skip_thought_layer import SkipThoughtLayer
from t2i_tf.text.vocabulary import Vocabulary


class SkipThought(TrainableModel):
    """An encoder, and a GRU that predicts the neighbour's words from its vector (teacher forcing).

    The published encoder predicts the previous and the next sentence of a book. Here captions of
    the same picture are each other's neighbours (our choice), so that no books are needed. Id 0
    ends a caption, and is the decoder's first input.

    Args:
        vocabulary_size, embedding_units, units: see `SkipThoughtLayer`.
        decoder_units: units of the GRU that predicts the neighbour.
        initializer: initializer of the kernels.
        generator: random generator of embeddings and recurrent kernels.
        seed: see `TrainableModel`.
    """

    title = "skip-thoughts"
    feature_keys = ("token_ids", "neighbour_ids")
    measures = ("loss", "word_nll")
    headline = ("word_nll",)
    unit = "nats per word"

    def __init__(
        self,
        *,
        vocabulary_size: int,
        embedding_units: int,
        units: int,
        decoder_units: int,
        initializer="glorot_uniform",
        generator: keras.random.SeedGenerator | int = 0,
        seed: int = 0,
        dtype=None,
    ):
        super().__init__(seed=seed, name="skip_thought", dtype=dtype)
        self.encoder = SkipThoughtLayer(
            vocabulary_size,
            embedding_units,
            units,
            initializer,
            generator,
            dtype=dtype,
            name="encoder",
        )
        self.words = _embedding(vocabulary_size, embedding_units, generator, dtype)
        self.decoder = _decoder(decoder_units, initializer, generator, dtype)
        self.vector = keras.layers.Dense(
            decoder_units, kernel_initializer=initializer, dtype=dtype, name="vector"
        )
        self.next_word = keras.layers.Dense(
            vocabulary_size, kernel_initializer=initializer, dtype="float32", name="next_word"
        )
        self._build_decoder(embedding_units, decoder_units, vector_units=4 * units)
        self.built = True

    def _build_decoder(self, embedding_units: int, decoder_units: int, vector_units: int) -> None:
        self.words.build((None, None))
        self.decoder.build((None, None, embedding_units + decoder_units))
        self.vector.build((None, vector_units))
        self.next_word.build((None, decoder_units))

    def terms(self, batch, noise, seed=None):  # noqa: D102
        vector = self.encoder(batch["token_ids"])
        neighbour = batch["neighbour_ids"]
        nll = self._word_nll(vector, neighbour)
        counted = tf.cumsum(tf.cast(neighbour == 0, nll.dtype), axis=1) <= 1  # words, one end
        nll = tf.where(counted, nll, 0.0)
        words = tf.reduce_sum(tf.cast(counted, nll.dtype), axis=1)
        loss = tf.reduce_sum(nll, axis=1)
        return {"loss": loss, "word_nll": loss / words}

    def sentence_encoder(self, vocabulary: Vocabulary) -> SkipThoughtEncoder:
        """The trained encoder, with its vocabulary, for use without this model."""
        weights = zip(weight_names(self.encoder), self.encoder.get_weights(), strict=True)
        return SkipThoughtEncoder(vocabulary, dict(weights))

    def _word_nll(self, vector: tf.Tensor, token_ids: tf.Tensor) -> tf.Tensor:
        """-log p of every word and of the padding after them, nats, [B, N]."""
        before = self.words(tf.pad(token_ids[:, :-1], [[0, 0], [1, 0]]))
        context = tf.repeat(tf.tanh(self.vector(vector))[:, None], tf.shape(token_ids)[1], axis=1)
        states = self.decoder(tf.concat([before, context], axis=-1))
        shape = tf.shape(token_ids)
        logits = self.next_word(tf.reshape(states, [-1, states.shape[-1]]))
        nll = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.reshape(token_ids, [-1]), logits)
        return tf.reshape(nll, shape)


def _embedding(vocabulary_size: int, units: int, generator, dtype) -> keras.layers.Layer:
    return keras.layers.Embedding(
        vocabulary_size,
        units,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=1.0, seed=generator),
        dtype=dtype,
        name="decoder_words",
    )


def _decoder(units: int, initializer, generator, dtype) -> keras.layers.Layer:
    return keras.layers.GRU(
        units,
        return_sequences=True,
        kernel_initializer=initializer,
        recurrent_initializer=keras.initializers.Orthogonal(seed=generator),
        use_cudnn=False,  # XLA cannot compile cuDNN's
        dtype=dtype,
        name="writer",
    )
