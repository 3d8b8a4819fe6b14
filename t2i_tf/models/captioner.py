"""The image captioner: an image in, a caption out."""

from typing import NamedTuple

import tensorflow as tf

from t2i_tf.errors import UserError
from t2i_tf.image_ops import check_same_shape, to_floats
from t2i_tf.layers.caption.beam_search import beam_search
from t2i_tf.layers.caption.caption_decoder import CaptionDecoder, DecoderOutput
from t2i_tf.layers.caption.image_encoder import ImageEncoder
from t2i_tf.layers.draw.conditioning import Memory
from t2i_tf.layers.draw.unroll import unroll, weights_read_once
from t2i_tf.models.trainable_model import Preview, TrainableModel
from t2i_tf.text.vocabulary import PAD

MAX_WORDS = 29  # of a generated caption, by default


class Description(NamedTuple):
    """Captions of images, with the attention of each word."""

    token_ids: tf.Tensor  # int32 [B, N], padded with 0
    log_probability: tf.Tensor  # [B], nats, the end mark included
    attention: tf.Tensor  # [B, N, GH, GW], sums to one for each word; zero after the last


class ImageCaptioner(TrainableModel):
    """A convolutional network and an LSTM with attention, a small Show, Attend and Tell.

    The paper's authors captioned their drawings with a model that is not known: all is our choice.
    Id 0 begins and ends a caption, so that N words are N + 1 predictions.

    Args:
        height, width, channels, filters, normalized_features: see `ImageEncoder`.
        vocabulary_size, embedding_units, align_units: see `CaptionDecoder`.
        decoder_units: units of the decoder's LSTM.
        dropout: dropout rate on the decoder's deep output, from which each word is predicted.
        initializer: initializer of the decoder's weights.
        feature_initializer: initializer of the convolutions, which are followed by ReLUs.
        seed: seed of the dropout in training.
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
        normalized_features: bool = False,
        initializer="glorot_uniform",
        feature_initializer="he_uniform",
        seed: int = 0,
        dtype=None,
    ):
        super().__init__(seed=seed, name="image_captioner", dtype=dtype)
        self.dropout = dropout
        self.features = ImageEncoder(
            height,
            width,
            channels,
            filters,
            feature_initializer,
            normalized_features,
            dtype=dtype,
            name="features",
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
        """Terms of the captions, each word predicted from the image and the true words before it.

        Returns:
            `loss` [B], -log p(caption, end | image), nats; `word_accuracy` [B], the share of words,
            the end mark included, to which the model gives the highest probability.
        """
        words = tf.pad(batch["token_ids"], [[0, 0], [1, 1]])
        inputs, targets = words[:, :-1], words[:, 1:]
        log_p = self.log_probabilities(batch["image"], inputs, seed)
        counts = tf.cast((inputs != PAD) | (tf.range(tf.shape(inputs)[1]) == 0), log_p.dtype)
        nll = -tf.gather(log_p, targets, batch_dims=2)
        right = tf.argmax(log_p, axis=-1, output_type=tf.int32) == targets
        hits = tf.reduce_sum(tf.cast(right, log_p.dtype) * counts, axis=1)
        return {
            "loss": tf.reduce_sum(nll * counts, axis=1),
            "word_accuracy": hits / tf.reduce_sum(counts, axis=1),
        }

    def log_probabilities(
        self, image: tf.Tensor, token_ids: tf.Tensor, seed: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Log-probability of every word to follow each of the given ones, nats, [B, N, V].

        Args:
            image: uint8, or float in [0, 1], [B, H, W, C].
            token_ids: int32 [B, N]; column 0 is the start mark, 0.
            seed: int32 [2], seed of the dropout; None means no dropout.
        """
        embedded = tf.transpose(self.decoder.embedding(token_ids), [1, 0, 2])
        with weights_read_once(self.decoder):
            memory = self._encode(image)
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
            UserError: the images have another size, or `beam` or `max_words` is below 1.
        """
        if beam < 1 or max_words < 1:
            raise UserError(
                f"Expected a beam and a number of words of 1 or more, got {beam} and {max_words}."
            )

        with weights_read_once(self.decoder):
            memory = self._encode(image)
            repeated = type(memory)(*(tf.repeat(part, beam, axis=0) for part in memory))

            def step(state, token_ids):
                embedded = self.decoder.embedding(token_ids)
                state, output, attention = self.decoder.step(repeated, state, embedded)
                deep_output = self.decoder.deep_output(output, embedded)
                return state, self.decoder.log_probabilities(deep_output), attention

            best = beam_search(
                step,
                self.decoder.initial_state(memory),
                beam=beam,
                max_words=max_words,
                length_power=length_power,
                output_units=memory.values.shape[1],
                dtype=self.variable_dtype,
            )
        attention = tf.reshape(best.outputs, [-1, max_words, *self.features.grid])
        return Description(best.token_ids, best.log_probability, attention)

    def preview(self, batch):
        """The images over their generated captions."""
        images = to_floats(batch["image"], self.variable_dtype)[:, None]
        token_ids = self.describe(batch["image"]).token_ids
        return Preview(images, token_ids, images, tf.zeros([tf.shape(token_ids)[0], 1, 0]))

    def _encode(self, image: tf.Tensor) -> Memory:
        check_same_shape(
            self.features.shape,
            tuple(image.shape[1:]),
            "Expected images of {expected}, got {found}",
            "Resize the images.",
        )
        return self.decoder.memorize(self.features(to_floats(image, self.variable_dtype)))
