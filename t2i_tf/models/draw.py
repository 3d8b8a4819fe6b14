"""The DRAW systems of the paper: a caption drawn on a canvas in T steps."""

import keras
import tensorflow as tf

from t2i_tf.layers.caption.caption_encoder import CaptionEncoder, single_caption_state
from t2i_tf.layers.caption.empty_caption import EmptySentence, EmptyToken
from t2i_tf.layers.draw import filterbank
from t2i_tf.layers.draw.conditioning import Align, Average, Conditioner
from t2i_tf.layers.draw.draw_cell import DrawCell, GenerationStep, InferenceStep
from t2i_tf.layers.draw.unroll import unroll, weights_read_once
from t2i_tf.likelihoods.bernoulli import Bernoulli
from t2i_tf.models.recurrent_model import RecurrentModel
from t2i_tf.models.text_to_image import Drawing, Likelihood


class DRAW(RecurrentModel):
    """Caption encoder, conditioner and DRAW cell; the systems differ in the conditioner.

    The bound (paper, equation 11), in nats:

        L = E_Q[ log p(x | y, Z) - sum_{t>=2} KL(Q(Z_t) || P(Z_t)) ] - KL(Q(Z_1) || P(Z_1))

    Args:
        caption_encoder: a built layer, captions to caption states [B, N, D] and a mask [B, N].
        conditioner: a `Conditioner`.
        state_units: D, width of the caption states.
        steps: T.
        height, ..., initial_canvas: see `DrawCell`.
        initializer: initializer of every weight; the authors' has a standard deviation of 0.01.
        seed: seed of the noise in training.
        kl_weight, free_bits: see `BoundMaximizer`.
        likelihood: of the pixels given the last canvas; the paper's by default.
        caption_dropout, empty: see `TextToImageModel`.
    """

    def __init__(
        self,
        *,
        caption_encoder: keras.layers.Layer,
        conditioner: Conditioner,
        state_units: int,
        steps: int,
        latent_units: int,
        initializer="random_normal",
        seed: int = 0,
        kl_weight: float = 1.0,
        free_bits: float = 0.0,
        likelihood: Likelihood | None = None,
        caption_dropout: float = 0.0,
        empty: EmptyToken | EmptySentence | None = None,
        name: str = "draw",
        dtype=None,
        **cell_sizes,
    ):
        likelihood = likelihood or Bernoulli()
        super().__init__(
            likelihood=likelihood,
            seed=seed,
            kl_weight=kl_weight,
            free_bits=free_bits,
            caption_dropout=caption_dropout,
            empty=empty,
            name=name,
            dtype=dtype,
        )
        self.noise_shape = (steps, latent_units)
        self.caption_encoder = caption_encoder
        self.cell = DrawCell(
            conditioner=conditioner,
            latent_units=latent_units,
            to_image=likelihood.image,
            initializer=initializer,
            dtype=dtype,
            name="draw_cell",
            **cell_sizes,
        )
        self.cell.build((None, None, state_units))
        self.built = True

    def memorize(self, caption):  # noqa: D102
        return self.cell.conditioner.memorize(*self.caption_encoder(caption))

    def infer(self, image, caption, noise):  # noqa: D102
        rows = filterbank.to_rows(image)
        with weights_read_once(self):
            memory = self.memorize(caption)
            state, steps = unroll(
                lambda state, noise_t, t: self.cell.infer(rows, memory, state, noise_t, t),
                self.cell.initial_state(tf.shape(image)[0]),
                noise,
                InferenceStep,
            )
        return filterbank.from_rows(state.canvas, self.cell.channels), steps

    def generate(self, caption, noise, guidance=0.0, instead_of=None):  # noqa: D102
        with weights_read_once(self):
            start = self.start_drawing(caption, guidance, instead_of)
            _, steps = unroll(*start, noise, GenerationStep)
        canvases = self.likelihood.image(self._images(steps.canvas))
        return Drawing(
            image=canvases[:, -1],
            canvases=canvases,
            alignment=tf.transpose(steps.alignment, [1, 0, 2]),
            windows=tf.transpose(steps.window, [1, 0, 2]),
        )

    def _images(self, canvases: tf.Tensor) -> tf.Tensor:
        """Canvases of all steps [T, B, H * C, W] to [B, T, H, W, C]."""
        cell = self.cell
        images = filterbank.from_rows(canvases, cell.channels)
        shape = [canvases.shape[0], -1, cell.height, cell.width, cell.channels]
        return tf.transpose(tf.reshape(images, shape), [1, 0, 2, 3, 4])


class WordDRAW(DRAW):
    """A DRAW system with its own language model, a bidirectional LSTM over the words.

    Args:
        vocabulary_size: V; where captions are dropped in training, the embedding has one row more.
        embedding_units, caption_units, embedding_initializer, caption_reader: see `CaptionEncoder`.
    """

    def __init__(
        self,
        *,
        vocabulary_size: int,
        embedding_units: int,
        caption_units: int,
        initializer="random_normal",
        embedding_initializer=None,
        caption_reader: str = "bidirectional",
        caption_dropout: float = 0.0,
        dtype=None,
        **sizes,
    ):
        caption_encoder = CaptionEncoder(
            vocabulary_size + (caption_dropout > 0),
            embedding_units,
            caption_units,
            initializer,
            embedding_initializer,
            caption_reader,
            dtype=dtype,
            name="caption_encoder",
        )
        caption_encoder.build((None, None))
        super().__init__(
            caption_encoder=caption_encoder,
            state_units=2 * caption_units,
            initializer=initializer,
            caption_dropout=caption_dropout,
            empty=EmptyToken(vocabulary_size),
            dtype=dtype,
            **sizes,
        )

    def represent(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Each caption of [B, N] as one vector, the mean of its words' states, [B, D].

        Such a vector, or a mean of them, is drawn as a caption of a single state, as a sentence
        vector is in skipthoughtDRAW.
        """
        return self.caption_encoder.represent(token_ids)


class AlignDRAW(WordDRAW):
    """alignDRAW: the decoder attends to the words anew at every step."""

    title = "alignDRAW"

    def __init__(self, *, align_units: int, initializer="random_normal", dtype=None, **sizes):
        conditioner = Align(align_units, initializer, dtype=dtype, name="align")
        super().__init__(
            conditioner=conditioner,
            initializer=initializer,
            dtype=dtype,
            name="align_draw",
            **sizes,
        )


class NoAlignDRAW(WordDRAW):
    """noalignDRAW: the decoder reads the mean of the words' states, the same at every step."""

    title = "noalignDRAW"

    def __init__(self, *, dtype=None, **sizes):
        conditioner = Average(dtype=dtype, name="average")
        super().__init__(conditioner=conditioner, dtype=dtype, name="noalign_draw", **sizes)


class SkipThoughtDRAW(DRAW):
    """skipthoughtDRAW: the decoder reads a sentence vector, with no language model of its own.

    Args:
        sentence_units: D, width of the sentence vector.
    """

    title = "skipthoughtDRAW"
    reads = "sentence"

    def __init__(self, *, sentence_units: int, seed: int = 0, dtype=None, **sizes):
        super().__init__(
            empty=EmptySentence(sentence_units, seed, dtype=dtype),
            seed=seed,
            caption_encoder=SentenceStates(dtype=dtype, name="one_state"),
            conditioner=Average(dtype=dtype, name="average"),
            state_units=sentence_units,
            dtype=dtype,
            name="skip_thought_draw",
            **sizes,
        )

    def generate(self, caption, noise, guidance=0.0, instead_of=None):  # noqa: D102
        drawing = super().generate(caption, noise, guidance, instead_of)
        return drawing._replace(alignment=drawing.alignment[:, :, :0])


class SentenceStates(keras.layers.Layer):
    """Sentence vectors [B, D] as the only caption states, [B, 1, D], with their mask."""

    def call(self, sentence: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:  # noqa: D102
        return single_caption_state(sentence, self.compute_dtype)
