"""ConvDRAW: a DRAW whose states are grids, conditioned on words at every place and step."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from t2i_tf.layers.caption.caption_encoder import CaptionEncoder
from t2i_tf.layers.caption.empty_caption import EmptyToken
from t2i_tf.layers.conv_draw.conv_draw_cell import ConvDrawCell, GridGeneration, GridInference
from t2i_tf.layers.draw.guidance import GuidedState
from t2i_tf.layers.draw.unroll import Outputs, unroll, weights_read_once
from t2i_tf.layers.draw.window import whole_image
from t2i_tf.likelihoods.bernoulli import Bernoulli
from t2i_tf.models.recurrent_model import RecurrentModel
from t2i_tf.models.text_to_image import Drawing, Likelihood


class ConvDRAW(RecurrentModel):
    """Caption encoder and `ConvDrawCell`; not among the paper's systems.

    The bound is that of the DRAW systems, with KL(Q(Z_t) || P(Z_t)) at every step, the first
    included. Z = h * w * `latent_channels` with the places of the finest scale, ordered by row,
    column, channel. The steps are divided evenly among the scales, and the finer ones take the
    remainder. Only the last canvas is compared with the image. Coarse scales are trained by it too,
    as what they draw stays on the canvas of the next.

    Args:
        vocabulary_size: V; where captions are dropped in training, the embedding has one row more.
        embedding_units, caption_units, embedding_initializer: see `CaptionEncoder`.
        steps: T.
        scales: number of scales, at most T.
        height, ..., initial_canvas: see `ConvDrawCell`.
        initializer: initializer of every weight without one of its own.
        head_initializer: see `ConvDrawCell`; None means `initializer`.
        seed: seed of the noise in training.
        kl_weight, free_bits: see `BoundMaximizer`.
        likelihood: of the pixels given the last canvas; the paper's by default.
        caption_dropout: see `TextToImageModel`.
    """

    title = "ConvDRAW"
    attends_from_places = True
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
        scales: int = 1,
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
            scales=scales,
            to_image=likelihood.image,
            initializer=initializer,
            head_initializer=head_initializer or initializer,
            dtype=dtype,
            name="conv_draw_cell",
            **cell_sizes,
        )
        self.cell.build((None, None, 2 * caption_units))
        self.noise_shape = (steps, self.cell.latent_units)
        self.steps_at_scale = shared_out(steps, scales)
        self.built = True

    def represent(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Each caption of [B, N] as one vector [B, D], which is drawn as one of a single state."""
        return self.caption_encoder.represent(token_ids)

    def memorize(self, caption):  # noqa: D102
        return self.cell.attention.memorize(*self.caption_encoder(caption))

    def infer(self, image, caption, noise):  # noqa: D102
        def step_at(scale):
            return lambda state, noise_t, t: self.cell.infer(pyramid[scale], memory, state, noise_t)

        with weights_read_once(self):
            memory, pyramid = self.memorize(caption), self.cell.pyramid(image)
            state = self.cell.initial_state(tf.shape(image)[0])
            state, outputs = self._unroll(step_at, state, noise, GridInference)
        steps = GridInference(*(tf.concat(field, axis=0) for field in zip(*outputs, strict=True)))
        return self.cell.pictures(state.canvas, self.cell.scales - 1), steps

    def generate(self, caption, noise, guidance=0.0, instead_of=None):  # noqa: D102
        with weights_read_once(self):
            step, state = self.start_drawing(caption, guidance, instead_of)
            _, outputs = self._unroll(lambda _: step, state, noise, GridGeneration)
        canvases = self.likelihood.image(self._canvases([each.canvas for each in outputs]))
        alignment = tf.concat([each.alignment for each in outputs], axis=0)
        return Drawing(
            image=canvases[:, -1],
            canvases=canvases,
            alignment=tf.transpose(alignment, [1, 0, 2]),
            windows=whole_image(
                self.height,
                self.width,
                tf.shape(caption)[0],
                self.noise_shape[0],
                self.variable_dtype,
            ),
        )

    def _unroll(
        self,
        step_at: Callable[[int], Callable],
        state: Any,
        noise: tf.Tensor,
        output_type: type[Outputs],
    ) -> tuple[Any, list[Outputs]]:
        """Unroll the steps of all scales: the last state, and the outputs of each scale.

        Args:
            step_at: function from the number of a scale to a step, as for `unroll`.
            state, noise, output_type: see `unroll`.
        """
        outputs = []
        for scale, noise_there in enumerate(tf.split(noise, self.steps_at_scale)):
            if scale:
                state = self._finer(state, scale)
            state, steps = unroll(step_at(scale), state, noise_there, output_type)
            outputs.append(steps)
        return state, outputs

    def _finer(self, state: Any, scale: int) -> Any:
        if isinstance(state, GuidedState):
            return GuidedState(*(self.cell.finer(one, scale) for one in state))
        return self.cell.finer(state, scale)

    def _canvases(self, grids: Sequence[tf.Tensor]) -> tf.Tensor:
        """Canvases of each scale's steps, [T', B, ...], to images [B, T, H, W, C]."""
        images = [
            tf.reshape(
                self.cell.pictures(there, scale),
                [steps, -1, self.height, self.width, self.cell.channels],
            )
            for scale, (steps, there) in enumerate(zip(self.steps_at_scale, grids, strict=True))
        ]
        return tf.transpose(tf.concat(images, axis=0), [1, 0, 2, 3, 4])


def shared_out(steps: int, scales: int) -> list[int]:
    """The number of steps of each scale, from coarse to fine.

    >>> shared_out(16, 3)
    [5, 5, 6]
    """
    return [(steps + scale) // scales for scale in range(scales)]
