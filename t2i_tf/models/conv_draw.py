"""ConvDRAW: a DRAW whose states are grids, conditioned on words at every place and step."""

import tensorflow as tf

from t2i_tf.layers.caption.caption_encoder import CaptionEncoder
from t2i_tf.layers.caption.empty_caption import EmptyToken
from t2i_tf.layers.conv_draw.conv_draw_cell import ConvDrawCell, GridGeneration, GridInference
from t2i_tf.layers.conv_draw.places import from_places, to_places
from t2i_tf.layers.draw.unroll import unroll, weights_read_once
from t2i_tf.likelihoods.bernoulli import Bernoulli
from t2i_tf.models.recurrent_model import RecurrentModel
from t2i_tf.models.text_to_image import Drawing, Likelihood


class ConvDRAW(RecurrentModel):
    """Caption encoder and `ConvDrawCell`; not among the paper's systems.

    The bound is that of the DRAW systems, with KL(Q(Z_t) || P(Z_t)) at every step, the first
    included. Z = h * w * `latent_channels`, ordered by row, column, channel.

    Args:
        vocabulary_size: V; where captions are dropped in training, the embedding has one row more.
        embedding_units, caption_units, embedding_initializer: see `CaptionEncoder`.
        steps: T.
        height, ..., initial_canvas: see `ConvDrawCell`.
        initializer: initializer of every weight without one of its own.
        head_initializer: see `ConvDrawCell`; None means `initializer`.
        seed: seed of the noise in training.
        kl_weight, free_bits: see `BoundMaximizer`.
        likelihood: of the pixels given the last canvas; the paper's by default.
        caption_dropout: see `TextToImageModel`.
    """

    title = "ConvDRAW"
    paper = (
        'after "Towards Conceptual Compression", Gregor, Besse, Jimenez Rezende, Danihelka,'
        " Wierstra, NIPS 2016, with attention to the words of a caption"
    )

    def __init__(
        self,
        *,
        vocabulary_size: int,
        embedding_units: int,
        caption_units: int,
        height: int,
        width: int,
        steps: int,
        initializer="glorot_uniform",
        head_initializer=None,
        embedding_initializer=None,
        seed: int = 0,
        kl_weight: float = 1.0,
        free_bits: float = 0.0,
        likelihood: Likelihood | None = None,
        caption_dropout: float = 0.0,
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
            empty=EmptyToken(vocabulary_size),
            name="conv_draw",
            dtype=dtype,
        )
        self.height, self.width = height, width
        self.caption_encoder = CaptionEncoder(
            vocabulary_size + (caption_dropout > 0),
            embedding_units,
            caption_units,
            initializer,
            embedding_initializer,
            dtype=dtype,
            name="caption_encoder",
        )
        self.caption_encoder.build((None, None))
        self.cell = ConvDrawCell(
            height=height,
            width=width,
            to_image=likelihood.image,
            initializer=initializer,
            head_initializer=head_initializer or initializer,
            dtype=dtype,
            name="conv_draw_cell",
            **cell_sizes,
        )
        self.cell.build((None, None, 2 * caption_units))
        rows, columns = self.cell.grid
        self.noise_shape = (steps, rows * columns * self.cell.latent_channels)
        self.built = True

    def represent(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Each caption of [B, N] as one vector [B, D], which is drawn as one of a single state."""
        return self.caption_encoder.represent(token_ids)

    def memorize(self, caption):  # noqa: D102
        return self.cell.attention.memorize(*self.caption_encoder(caption))

    def infer(self, image, caption, noise):  # noqa: D102
        with weights_read_once(self):
            memory, pixels = self.memorize(caption), to_places(image, self.cell.side)
            state, steps = unroll(
                lambda state, noise_t, t: self.cell.infer(pixels, memory, state, noise_t),
                self.cell.initial_state(tf.shape(image)[0]),
                noise,
                GridInference,
            )
        return self._image(state.canvas), steps

    def generate(self, caption, noise, guidance=0.0, instead_of=None):  # noqa: D102
        with weights_read_once(self):
            start = self.start_drawing(caption, guidance, instead_of)
            _, steps = unroll(*start, noise, GridGeneration)
        canvases = self.likelihood.image(self._canvases(steps.canvas))
        return Drawing(
            image=canvases[:, -1],
            canvases=canvases,
            alignment=tf.transpose(steps.alignment, [1, 0, 2]),
            windows=self._whole_picture(tf.shape(caption)[0]),
        )

    def _image(self, grid: tf.Tensor) -> tf.Tensor:
        return from_places(grid, self.cell.side, self.height, self.width)

    def _canvases(self, grids: tf.Tensor) -> tf.Tensor:
        """Canvases of all steps in the layout of `places`, [T, B, ...], to [B, T, H, W, C]."""
        images = self._image(grids)
        shape = [self.noise_shape[0], -1, *images.shape[1:]]
        return tf.transpose(tf.reshape(images, shape), [1, 0, 2, 3, 4])

    def _whole_picture(self, batch: tf.Tensor) -> tf.Tensor:
        """Windows [B, T, 4]: every step writes everywhere."""
        corners = [0, 0, self.height - 1, self.width - 1]
        whole = tf.constant(corners, self.variable_dtype)
        return tf.tile(whole[None, None], [batch, self.noise_shape[0], 1])
