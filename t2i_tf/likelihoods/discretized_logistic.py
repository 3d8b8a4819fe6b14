"""A mixture of discretized logistics: probabilities of 8-bit pixels, which sum to one."""

import math
from collections.abc import Sequence

import keras
import tensorflow as tf

from t2i_tf import losses

GREY_LEVELS = 255  # between black and white
MINIMUM_SCALE = 0.1  # grey levels: nearly all mass on one value, and gradients that stay finite
STRAIGHT = 0.2  # share of the straight line in the location
INITIAL_SCALES = (6.0, 48.0)  # grey levels, of the narrowest and the widest component


class DiscretizedLogistic(keras.layers.Layer):
    """A mixture of logistics for the channels of a pixel, as in PixelCNN++ (Salimans et al. 2017).

        p(x) = sum_k pi_k prod_c P(x_c | mu_c + sum_{j<c} a_kcj (x_j - mu_j), s_kc)
        P(x | mu, s) = S((x + 1/2 - mu) / s) - S((x - 1/2 - mu) / s),   S the logistic function

    for x from 0 to 255, with all that is below 0 added to the mass of 0, and all above 255 to that
    of 255. So it is a distribution of what a PNG holds, and its logarithm compares with any other
    coder of the same pixels.

    As in PixelCNN++ a pixel has one component for all its channels, and a channel's location
    follows the errors of the channels before it, because errors of red, green and blue go together.
    The rest is our choice, for a canvas that has one value for each channel: the components share
    the location mu, which is the canvas, and differ in their scales, so that the mixture has a
    sharp peak for smooth places and long tails for edges. Scales, weights and coefficients are
    learned, the same for all pixels. Around reconstructions of photographs from 60 principal
    components, which cost 6.82 bits per dimension with one scale for each channel, coefficients
    save 0.46, a second and third component 0.12, and seven more 0.01. A scale for each pixel, which
    a second canvas would have to draw, would save 0.15 at best.

    The location is a sigmoid of the canvas whose slope is nowhere below a fifth of that at 0:

        mu = 255 (0.8 S(canvas) + 0.2 (1/2 + canvas / 4))

    It may lie outside 0 to 255. With the sigmoid alone a black canvas has hardly a gradient: in 500
    steps, a system that began on black, as those of MNIST with captions do, learned nothing. With a
    straight line photographs were learned a little more slowly.

    A drawing is the location, kept in 0 to 255: the mean of the logistics before what lies outside
    is added to the masses of black and white.

    Args:
        channels: C.
        components: K.
        dtype: of scales and probabilities, in mixed precision too.
    """

    measures = (*losses.BERNOULLI_MEASURES, "bits_per_dim")
    headline = ("loss", "bernoulli_above_floor", "kl")
    is_discrete = True

    def __init__(self, channels: int, components: int, dtype="float32"):
        super().__init__(name="likelihood", dtype=dtype, autocast=False)
        self.channels, self.components = channels, components
        self.log_scales = self.add_weight(
            shape=(components, channels), initializer=_initial_log_scales, name="log_scales"
        )
        self.mixture_logits = self.add_weight(
            shape=(components,), initializer="zeros", name="mixture_logits"
        )
        pairs = channels * (channels - 1) // 2
        self.coefficients = (  # an empty weight would have no gradient
            self.add_weight(shape=(components, pairs), initializer="zeros", name="coefficients")
            if pairs
            else tf.zeros([components, 0])
        )
        self.built = True

    def location(self, canvas: tf.Tensor) -> tf.Tensor:
        """Locations of all components, in units of white; they may lie outside 0 to 1."""
        return (1 - STRAIGHT) * tf.sigmoid(canvas) + STRAIGHT * (0.5 + canvas / 4)

    def image(self, canvas: tf.Tensor) -> tf.Tensor:
        """What a canvas shows: the location, kept in [0, 1]."""
        return tf.clip_by_value(self.location(canvas), 0.0, 1.0)

    def terms(self, image: tf.Tensor, canvas: tf.Tensor) -> dict[str, tf.Tensor]:
        """Likelihood terms of `BoundMaximizer.likelihood_and_latents`.

        Probabilities have no entropy floor but 0: some model knows each picture.

        Args:
            image: whole grey levels over 255, [B, H, W, C] in [0, 1].
            canvas: [B, H, W, C].
        """
        log_prob = self.log_prob(tf.round(GREY_LEVELS * image), canvas)
        nll = -tf.reduce_sum(log_prob, axis=[1, 2])
        return {
            "reconstruction_nll": nll,
            "entropy": tf.zeros_like(nll),
            "bernoulli_nll": losses.bernoulli_nll_of_mean(image, self.image(canvas)),
            "bernoulli_entropy": losses.bernoulli_entropy(image),
        }

    def scales(self) -> tf.Tensor:
        """Scale of each component and channel, grey levels, [K, C]."""
        return MINIMUM_SCALE + tf.exp(tf.convert_to_tensor(self.log_scales))

    def log_prob(self, pixels: tf.Tensor, canvas: tf.Tensor) -> tf.Tensor:
        """log p(x) of each pixel, nats.

        Args:
            pixels: x, whole numbers from 0 to 255 as floats, [B, H, W, C].
            canvas: [B, H, W, C].

        Returns:
            [B, H, W].
        """
        errors = tf.unstack(pixels - GREY_LEVELS * self.location(canvas), axis=-1)
        scales = tf.unstack(_per_component(self.scales()), axis=-1)
        coefficients = iter(tf.unstack(_per_component(self.coefficients), axis=-1))
        weights = tf.nn.log_softmax(tf.convert_to_tensor(self.mixture_logits))
        total = _per_component(weights[:, None])[..., 0]
        for c, x in enumerate(tf.unstack(pixels, axis=-1)):
            error = errors[c] - sum(next(coefficients) * before for before in errors[:c])
            total += log_mass(x, error, scales[c])
        return tf.reduce_logsumexp(total, axis=0)


def log_mass(x: tf.Tensor, error: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """log P(x) of a discretized logistic, nats.

        S(b) - S(a) = S(b) S(-a) (1 - exp(a - b))

    has no difference of nearly equal numbers, so that logarithm and gradient are finite and exact
    however far x is from the location.

    Args:
        x: whole numbers from 0 to 255.
        error: x minus the location.
        scale: above 0.
    """
    below = tf.nn.softplus((error - 0.5) / scale)  # -log S(-a)
    above = tf.nn.softplus((-0.5 - error) / scale)  # -log S(b)
    width = tf.math.log(-tf.math.expm1(-1 / scale))
    not_black = tf.cast(x > 0.5, x.dtype)
    not_white = tf.cast(x < GREY_LEVELS - 0.5, x.dtype)
    return not_black * not_white * width - not_black * below - not_white * above


def _per_component(values) -> tf.Tensor:
    """Values [K, n] as [K, 1, 1, 1, n], to meet pixels [B, H, W]."""
    return tf.convert_to_tensor(values)[:, None, None, None]


def _initial_log_scales(shape: Sequence[int], dtype=None) -> tf.Tensor:
    """Scales in equal ratios; one component has their geometric mean."""
    low, high = map(math.log, INITIAL_SCALES)
    places = [(k + 0.5) / shape[0] for k in range(shape[0])]
    column = tf.constant([low + place * (high - low) for place in places], dtype)
    return tf.tile(column[:, None], [1, shape[1]])
