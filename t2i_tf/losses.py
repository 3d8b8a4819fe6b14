"""Terms of a bound on the log-likelihood, one number per image, in nats."""

import math
from collections.abc import Sequence

import tensorflow as tf

from t2i_tf.layers.draw.gaussian import Gaussian

PROBABILITY_MARGIN = 1 / 510  # half a grey level
BERNOULLI_MEASURES = ("bernoulli_loss", "bernoulli_above_floor")
"""Measures by DRAW's convention, of models that are trained with another likelihood."""


def bernoulli_nll(image: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """-log p(x | c) with p = Bernoulli(sigmoid(c)), on real-valued pixels in [0, 1].

    Computed from logits; the authors' code takes logarithms of probabilities.

    Args:
        image: [B, ...].
        logits: c, in the layout of `image`.

    Returns:
        [B].
    """
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=image, logits=logits)
    return _sum_per_image(losses)


def bernoulli_nll_of_mean(image: tf.Tensor, mean: tf.Tensor) -> tf.Tensor:
    """`bernoulli_nll` with an image in place of logits, kept 1 / 510 away from 0 and 1.

    Args:
        image: [B, ...] in [0, 1].
        mean: the probabilities, in the layout of `image`.

    Returns:
        [B].
    """
    mean = tf.clip_by_value(mean, PROBABILITY_MARGIN, 1 - PROBABILITY_MARGIN)
    return bernoulli_nll(image, tf.math.log(mean) - tf.math.log(1.0 - mean))


def bits_per_dim(nats, shape: Sequence[int]):
    """Negative log-likelihoods of images in bits per pixel and channel.

    Args:
        nats: negative log-likelihoods, an array or a tensor.
        shape: H, W, C of the images.
    """
    return nats / (math.prod(shape) * math.log(2))


def bernoulli_entropy(image: tf.Tensor) -> tf.Tensor:
    """The entropy floor, sum_i H(x_i), the minimum of `bernoulli_nll`: [B, ...] to [B]."""
    image = tf.clip_by_value(image, 1e-12, 1.0)
    rest = tf.clip_by_value(1.0 - image, 1e-12, 1.0)
    return _sum_per_image(-image * tf.math.log(image) - (1.0 - image) * tf.math.log(rest))


def gaussian_nll(image: tf.Tensor, mean: tf.Tensor, log_sigma: tf.Tensor) -> tf.Tensor:
    """-log p(x), p = N(mean, sigma^2) with one sigma for all pixels: least squares with a scale.

    A density, which has no entropy floor: its NLL may be negative.

    Args:
        image: [B, ...].
        mean: [B, ...].
        log_sigma: a scalar.

    Returns:
        [B].
    """
    flat = [tf.shape(image)[0], math.prod(image.shape[1:])]
    density = Gaussian(tf.reshape(mean, flat), log_sigma).distribution()
    return -density.log_prob(tf.reshape(image, flat))


def kl_per_step(posterior: Gaussian, prior: Gaussian) -> tf.Tensor:
    """KL(Q(Z_t) || P(Z_t)) of every step; parameters [T, B, Z], returns [T, B]."""
    import tensorflow_probability as tfp  # a second, which drawing does not need

    return tfp.distributions.kl_divergence(posterior.distribution(), prior.distribution())


def log_ratio_per_step(posterior: Gaussian, prior: Gaussian, noise: tf.Tensor) -> tf.Tensor:
    """log Q(z_t) - log P(z_t) of every step, at the posterior's sample z_t for `noise`.

    The expectation over the noise is `kl_per_step`. All [T, B, Z]; returns [T, B].
    """
    z = posterior.sample(noise)
    return posterior.distribution().log_prob(z) - prior.distribution().log_prob(z)


def _sum_per_image(x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.reshape(x, [tf.shape(x)[0], -1]), axis=-1)
