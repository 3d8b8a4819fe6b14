"""What DRAW and ConvDRAW have in common: they draw on a canvas with a recurrent cell."""

import functools
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from t2i_tf.image_ops import from_pixels
from t2i_tf.layers.draw.gaussian import Gaussian
from t2i_tf.layers.draw.guidance import GuidedState
from t2i_tf.models.text_to_image import BoundMaximizer


class RecurrentModel(BoundMaximizer):
    """A model with a `cell`, whose steps infer and generate on a canvas from a memory.

    The cell has `initial_state`, `generate` and `generate_guided`; the likelihood is that of the
    pixels given the last canvas.
    """

    cell: Any

    @abstractmethod
    def memorize(self, caption: tf.Tensor):
        """Captions (the feature that `reads` names) to the memory that every step reads."""

    @abstractmethod
    def infer(
        self, image: tf.Tensor, caption: tf.Tensor, noise: tf.Tensor
    ) -> tuple[tf.Tensor, Any]:
        """Reconstruct images from samples of the posterior.

        Args:
            image: float [B, H, W, C] in [0, 1].
            caption: the feature that `reads` names.
            noise: [T, B, Z], standard normal.

        Returns:
            The last canvas [B, H, W, C], and the outputs of all steps, fields [T, B, ...], among
            them mean and log sigma of posterior and prior.
        """

    def reconstruct(self, image, caption, noise):  # noqa: D102
        canvas, _ = self.infer(from_pixels(image, self.variable_dtype), caption, noise)
        return self.likelihood.image(canvas)

    def likelihood_and_latents(self, image, caption, noise):  # noqa: D102
        image = from_pixels(image, self.variable_dtype)
        canvas, steps = self.infer(image, caption, noise)
        posterior = Gaussian(steps.posterior_mean, steps.posterior_log_sigma)
        prior = Gaussian(steps.prior_mean, steps.prior_log_sigma)
        return self.likelihood.terms(image, canvas), posterior, prior

    def start_drawing(
        self,
        caption: tf.Tensor,
        guidance: tf.Tensor | float,
        instead_of: tf.Tensor | None,
    ) -> tuple[Callable, Any]:
        """A step of a drawing and the state before the first, for `unroll`.

        Arguments and errors are those of `generate`.
        """
        other = self.other_caption(caption, guidance, instead_of)
        memory, state = self.memorize(caption), self.cell.initial_state(tf.shape(caption)[0])
        if other is None:
            return functools.partial(self.cell.generate, memory), state
        memories = memory, self.memorize(other)
        step = functools.partial(self.cell.generate_guided, memories, guidance=guidance)
        return step, GuidedState(state, state)
