"""A skip-thought encoder in training: each caption predicts another caption of its picture."""

import keras
import tensorflow as tf

from t2i_tf.models.trainable_model import TrainableModel
from t2i_tf.sentence_encoder.encoder import SkipThoughtEncoder, weight_names
from t2i_tf.sentence_encoder.skip_thought_layer import SkipThoughtLayer
from t2i_tf.text.vocabulary import Vocabulary


class SkipThought(TrainableModel):
    """Encoder, and a GRU that writes the neighbour word by word from the vector (teacher forcing).

    The published one predicts the sentences before and after in books; captions of one picture are
    each other's neighbours here (our choice), so that no book is needed. 0 ends a caption, and
    begins the decoder's input.

    Args:
        vocabulary_size, embedding_units, units: see `SkipThoughtLayer`.
        decoder_units: of the GRU that writes.
        initializer: of kernels.
        generator: of all random weights.
        seed: see `TrainableModel`.
    """

    title = "skip-thoughts"
    feature_keys = ("token_ids", "neighbour_ids")
    measures = ("loss", "word_nll")
    headline = ("word_nll",)
    unit = "nats a word"

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
        self.words = keras.layers.Embedding(
            vocabulary_size,
            embedding_units,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=1.0, seed=generator),
            dtype=dtype,
            name="decoder_words",
        )
        self.decoder = keras.layers.GRU(
            decoder_units,
            return_sequences=True,
            kernel_initializer=initializer,
            recurrent_initializer=keras.initializers.Orthogonal(seed=generator),
            use_cudnn=False,  # XLA cannot compile cuDNN's
            dtype=dtype,
            name="writer",
        )
        self.vector = keras.layers.Dense(
            decoder_units, kernel_initializer=initializer, dtype=dtype, name="vector"
        )
        self.next_word = keras.layers.Dense(
            vocabulary_size, kernel_initializer=initializer, dtype="float32", name="next_word"
        )
        self.words.build((None, None))
        self.decoder.build((None, None, embedding_units + decoder_units))
        self.vector.build((None, 4 * units))
        self.next_word.build((None, decoder_units))
        self.built = True

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
        """The encoder by itself, with the words it was trained on."""
        weights = zip(weight_names(self.encoder), self.encoder.get_weights(), strict=True)
        return SkipThoughtEncoder(vocabulary, dict(weights))

    def _word_nll(self, vector: tf.Tensor, token_ids: tf.Tensor) -> tf.Tensor:
        """-log p of every word and of the padding behind them, nats, [B, N]."""
        before = self.words(tf.pad(token_ids[:, :-1], [[0, 0], [1, 0]]))
        context = tf.repeat(tf.tanh(self.vector(vector))[:, None], tf.shape(token_ids)[1], axis=1)
        states = self.decoder(tf.concat([before, context], axis=-1))
        shape = tf.shape(token_ids)
        logits = self.next_word(tf.reshape(states, [-1, states.shape[-1]]))
        nll = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.reshape(token_ids, [-1]), logits)
        return tf.reshape(nll, shape)
