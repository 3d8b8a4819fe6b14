"""The image captioner: a picture in, a caption out."""

from typing import NamedTuple

import tensorflow as tf

from t2i_tf.errors import UserError
from t2i_tf.layers.caption.beam_search import beam_search
from t2i_tf.layers.caption.caption_decoder import CaptionDecoder, DecoderOutput
from t2i_tf.layers.caption.image_encoder import ImageEncoder
from t2i_tf.layers.draw.unroll import unroll, weights_read_once
from t2i_tf.models.trainable_model import Preview, TrainableModel
from t2i_tf.text.vocabulary import PAD

MAX_WORDS = 29  # of a caption that is written, unless the caller says otherwise


class Description(NamedTuple):
    """Captions of pictures, and where each word was looked for."""

    token_ids: tf.Tensor  # int32 [B, N], filled up with 0
    log_probability: tf.Tensor  # [B], nats, of the caption and its end
    attention: tf.Tensor  # [B, N, GH, GW], each word's sums to one; zero after the last word


class ImageCaptioner(TrainableModel):
    """A convolutional network and an attentive LSTM, Show, Attend and Tell in small.

    The paper's authors captioned their drawings; which model they took is not known: all is our
    choice. Id 0 begins and ends a caption, so that N words are N + 1 predictions.

    Args:
        height, width, channels, filters: see `ImageEncoder`.
        vocabulary_size, embedding_units, align_units: see `CaptionDecoder`.
        decoder_units: of its LSTM.
        dropout: share of what a word is told from that is left out in training.
        initializer: of the decoder's weights.
        feature_initializer: of the convolutions, whose rectifiers halve what passes.
        seed: of the dropout in training.
    """

    title = "Image captioner"
    measures = ("loss", "word_accuracy")

    def __init__(
        self,
        *,
        height: int,
        width: int,
        channels: int,
        filters: int,
        vocabulary_size: int,
        embedding_units: int,
        decoder_units: int,
        align_units: int,
        dropout: float,
        initializer="glorot_uniform",
        feature_initializer="he_uniform",
        seed: int = 0,
        dtype=None,
    ):
        super().__init__(seed=seed, name="image_captioner", dtype=dtype)
        self.dropout = dropout
        self.features = ImageEncoder(
            height, width, channels, filters, feature_initializer, dtype=dtype, name="features"
        )
        self.features.build((None, height, width, channels))
        self.decoder = CaptionDecoder(
            vocabulary_size,
            embedding_units,
            decoder_units,
            align_units,
            initializer,
            dtype=dtype,
            name="decoder",
        )
        self.decoder.build((None, None, self.features.units))
        self.built = True

    def terms(self, batch, noise, seed=None):
        """Terms of the captions, each word told from the picture and the true words before it.

        Returns:
            `loss` [B], -log p(caption, end | picture), nats; `word_accuracy` [B], the share of
            words, the end one of them, that are the most probable ones.
        """
        token_ids = batch["token_ids"]
        words = tf.pad(token_ids, [[0, 0], [1, 1]])
        given, wanted = words[:, :-1], words[:, 1:]
        log_p = self.log_probabilities(batch["image"], given, seed)
        counts = tf.cast((given != PAD) | (tf.range(tf.shape(given)[1]) == 0), log_p.dtype)
        nll = -tf.gather(log_p, wanted, batch_dims=2)
        right = tf.argmax(log_p, axis=-1, output_type=tf.int32) == wanted
        hits = tf.reduce_sum(tf.cast(right, log_p.dtype) * counts, axis=1)
        return {
            "loss": tf.reduce_sum(nll * counts, axis=1),
            "word_accuracy": hits / tf.reduce_sum(counts, axis=1),
        }

    def log_probabilities(
        self, image: tf.Tensor, given: tf.Tensor, seed: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Of every word to follow each of the given ones, nats, [B, N, V].

        Args:
            image: uint8, or float in [0, 1], [B, H, W, C].
            given: int32 [B, N]; column 0 is the start mark, 0.
            seed: int32 [2], of the dropout; None: there is none.
        """
        embedded = tf.transpose(self.decoder.embedding(given), [1, 0, 2])
        with weights_read_once(self.decoder):
            memory = self._look(image)
            _, output = unroll(
                lambda state, embedded_t, t: self.decoder.step(memory, state, embedded_t)[:2],
                self.decoder.initial_state(memory),
                embedded,
                DecoderOutput,
            )
        deep_output = tf.transpose(self.decoder.deep_output(output, embedded), [1, 0, 2])
        if seed is not None and self.dropout:
            deep_output = tf.nn.experimental.stateless_dropout(deep_output, self.dropout, seed)
        return self.decoder.log_probabilities(deep_output)

    def describe(
        self,
        image: tf.Tensor,
        beam: int = 3,
        max_words: int = MAX_WORDS,
        length_power: float = 1.0,
    ) -> Description:
        """The best captions that a beam search finds; see `beam_search` for the other arguments.

        Args:
            image: uint8, or float in [0, 1], [B, H, W, C].

        Raises:
            UserError: pictures of another size, no beam, or no words.
        """
        if beam < 1 or max_words < 1:
            raise UserError(
                f"Expected a beam and a number of words of 1 or more, got {beam} and {max_words}."
            )

        with weights_read_once(self.decoder):
            memory = self._look(image)
            wide = type(memory)(*(tf.repeat(part, beam, axis=0) for part in memory))

            def step(state, token_ids):
                embedded = self.decoder.embedding(token_ids)
                state, output, attention = self.decoder.step(wide, state, embedded)
                deep_output = self.decoder.deep_output(output, embedded)
                return state, self.decoder.log_probabilities(deep_output), attention

            found = beam_search(
                step,
                self.decoder.initial_state(memory),
                beam=beam,
                max_words=max_words,
                length_power=length_power,
                output_units=memory.values.shape[1],
                dtype=self.variable_dtype,
            )
        attention = tf.reshape(found.outputs, [-1, max_words, *self.features.grid])
        return Description(found.token_ids, found.log_probability, attention)

    def preview(self, batch):
        """The pictures over the captions that were written of them."""
        pictures = self._floats(batch["image"])[:, None]
        token_ids = self.describe(batch["image"]).token_ids
        return Preview(pictures, token_ids, pictures, tf.zeros([tf.shape(token_ids)[0], 1, 0]))

    def _look(self, image: tf.Tensor):
        if tuple(image.shape[1:]) != self.features.picture:
            raise UserError(
                f"Expected pictures of {self.features.picture} (height, width, channels), "
                f"got {tuple(image.shape[1:])}. Resize them."
            )
        return self.decoder.memorize(self.features(self._floats(image)))

    def _floats(self, image: tf.Tensor) -> tf.Tensor:
        scale = 255.0 if image.dtype == tf.uint8 else 1.0
        return tf.cast(image, self.variable_dtype) / scale
