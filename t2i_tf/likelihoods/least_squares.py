"""Least squares with a learned scale: a Gaussian density of real-valued pixels."""

import math
from collections.abc import Callable

import tensorflow as tf

from t2i_tf import losses


class LeastSquares:
    """N(sigmoid(canvas), sigma^2), with one sigma for all pixels, in [0, 1].

    Args:
        log_sigma: function that returns log sigma, a scalar.
    """

    measures = losses.BERNOULLI_MEASURES
    headline = ("loss", "bernoulli_above_floor", "kl")
    is_discrete = False

    def __init__(self, log_sigma: Callable[[], tf.Tensor]):
        self.log_sigma = log_sigma

    def image(self, canvas: tf.Tensor) -> tf.Tensor:
        """The mean: what a canvas shows, in [0, 1]."""
        return tf.sigmoid(canvas)

    def terms(self, image: tf.Tensor, canvas: tf.Tensor) -> dict[str, tf.Tensor]:
        """Likelihood terms of `BoundMaximizer.likelihood_and_latents`.

        Args:
            image: [B, H, W, C] in [0, 1].
            canvas: logits of the mean, [B, H, W, C].
        """
        limit = math.log(1 / losses.PROBABILITY_MARGIN - 1)
        clipped = tf.clip_by_value(canvas, -limit, limit)
        return {
            "reconstruction_nll": losses.gaussian_nll(image, self.image(canvas), self.log_sigma()),
            "entropy": tf.zeros_like(image[:, 0, 0, 0]),
            "bernoulli_nll": losses.bernoulli_nll(image, clipped),
            "bernoulli_entropy": losses.bernoulli_entropy(image),
        }
