"""The contract of text-to-image models, and the terms of those that maximise a bound."""

from abc import abstractmethod
from collections.abc import Callable
from typing import NamedTuple, Protocol

import tensorflow as tf

from t2i_tf import losses
from t2i_tf.errors import UserError
from t2i_tf.image_ops import to_pixels
from t2i_tf.layers.draw.gaussian import Gaussian
from t2i_tf.models.trainable_model import Batch, Preview, TrainableModel

DROPPED = "caption_dropped"  # feature of a training batch: bool [B], whether a caption is dropped
# Pictures drawn at a time. Sums may round otherwise in a batch of another size: with one size for
# all who draw, a caption with a seed is the same picture everywhere, pixel for pixel.
DRAWN_AT_ONCE = 32


class Drawing(NamedTuple):
    """Images and the steps that led to them; T = 1 for a model without steps."""

    image: tf.Tensor  # float32 [B, H, W, C] in [0, 1]
    canvases: tf.Tensor  # float32 [B, T, H, W, C] in [0, 1]; the last is the image
    alignment: tf.Tensor  # float32 [B, T, N], attention over the words; N = 0 without attention
    windows: tf.Tensor  # float32 [B, T, 4], see `layers.draw.window.extent`

    def in_pixels(self) -> "Drawing":
        """The same with image and canvases as uint8, and float32 for the rest."""
        return Drawing(
            *(to_pixels(floats) for floats in self[:2]),
            *(tf.cast(numbers, tf.float32) for numbers in self[2:]),
        )


class TextToImageModel(TrainableModel):
    """A model that draws captions: `noise` and `generate`.

    Captions are one tensor: `token_ids` int32 [B, N], or `sentence` float32 [B, D], the vectors of
    a sentence encoder.

    Where captions are dropped in training, the model learns an empty caption, and with it to draw
    without one (Ho and Salimans 2022). Which captions of a batch are dropped is a function of seed
    and step; none are in evaluation.

    Args:
        caption_dropout: share of the captions of training that the empty one replaces.
        empty: captions to as many empty ones, `EmptyToken` or `EmptySentence`; needed where
            `caption_dropout` is more than 0, and not kept otherwise.
    """

    reads: str = "token_ids"
    """The feature of a batch that holds the captions: `token_ids` or `sentence`."""
    bound = None
    """`bound(image, caption, noise)`: a lower bound of log p(x | y), nats, [B]. None: no bound."""
    can_be_guided = True
    """Whether the model draws from distributions, which guidance extrapolates."""
    attends_from_places = False
    """Whether each place of a picture attends for itself: `Drawing.alignment` is their mean."""

    def __init__(
        self,
        *,
        caption_dropout: float = 0.0,
        empty: Callable[[tf.Tensor], tf.Tensor] | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.caption_dropout = caption_dropout
        self.empty = empty if caption_dropout > 0 else None

    @property
    def has_empty_caption(self) -> bool:
        """Whether the model has learnt an empty caption, by caption dropout in training."""
        return self.empty is not None

    def empty_caption(self, caption: tf.Tensor) -> tf.Tensor:
        """The empty caption, once for each caption of a batch and in the same layout.

        Raises:
            UserError: the model was trained without caption dropout.
        """
        if self.empty is None:
            raise UserError(
                f"This {self.title} has no empty caption: it was trained without --caption-dropout."
                " Train one with --caption-dropout 0.1, or give --instead-of a caption."
            )
        return self.empty(caption)

    def random_features(self, examples, seed):  # noqa: D102
        if not self.has_empty_caption:
            return {}
        return {DROPPED: tf.random.stateless_uniform([examples], seed) < self.caption_dropout}

    def read_captions(self, batch: Batch) -> tf.Tensor:
        """The captions of a batch, with the empty one in place of those that are dropped."""
        caption = batch[self.reads]
        if DROPPED not in batch:
            return caption
        return tf.where(batch[DROPPED][:, None], self.empty_caption(caption), caption)

    def noise(self, seeds: tf.Tensor, temperature: tf.Tensor | float = 1.0) -> tf.Tensor:
        """Standard normals [T, B, Z]; a seed gives the same normals alone and in any batch.

        Args:
            seeds: int [B], one for each example.
            temperature: standard deviation, [B] or a number; 0 takes the mean at every step.
        """
        steps, units = self.noise_shape
        columns = tf.map_fn(
            lambda seed: tf.random.stateless_normal(
                [steps, units], tf.stack([seed, 0]), dtype=self.variable_dtype
            ),
            tf.cast(seeds, tf.int64),
            fn_output_signature=tf.TensorSpec([steps, units], self.variable_dtype),
        )
        scale = tf.reshape(tf.cast(temperature, self.variable_dtype), [1, -1, 1])
        return tf.transpose(columns, [1, 0, 2]) * scale

    @abstractmethod
    def generate(
        self,
        caption: tf.Tensor,
        noise: tf.Tensor,
        guidance: tf.Tensor | float = 0.0,
        instead_of: tf.Tensor | None = None,
    ) -> Drawing:
        """Draw captions.

        With guidance w, a second drawing of another caption advances side by side on the same
        latents. What the model says at a step about latents and pixels is extrapolated from both:
        given + w (given - other). The picture then shows more of what the caption says, and varies
        less.

        Args:
            caption: the feature that `reads` names.
            noise: [T, B, Z].
            guidance: w, [B] or a number; 0 draws the caption alone, bit for bit.
            instead_of: captions to move away from; None for the empty caption.

        Raises:
            UserError: there is guidance, and the model cannot be guided, or neither has an empty
                caption nor gets another to move away from.
        """

    def other_caption(
        self, caption: tf.Tensor, guidance: tf.Tensor | float, instead_of: tf.Tensor | None
    ) -> tf.Tensor | None:
        """The captions from which guidance moves away, or None without guidance.

        Arguments and errors are those of `generate`.
        """
        if isinstance(guidance, int | float) and guidance == 0:
            return None
        if not self.can_be_guided:
            raise UserError(
                f"The {self.title} cannot be guided: it draws without distributions that could be"
                " extrapolated. Leave out --guidance, or take a DRAW system or a VAE."
            )
        return self.empty_caption(caption) if instead_of is None else instead_of

    def preview(self, batch: Batch) -> Preview:
        """Drawings of the captions; caption k is drawn from seed k."""
        caption = batch[self.reads]
        drawing = self.generate(caption, self.noise(tf.range(tf.shape(caption)[0])))
        pictures = drawing.image[:, None]
        return Preview(pictures, batch["token_ids"], drawing.canvases, drawing.alignment)


class Likelihood(Protocol):
    """p(x | z, y), as a function of the canvas that a model draws from z and y."""

    @property
    def measures(self) -> tuple[str, ...]:
        """Measures that a model with this likelihood reports beside the terms of the bound."""
        ...

    @property
    def headline(self) -> tuple[str, ...]:
        """See `TrainableModel`."""
        ...

    @property
    def is_discrete(self) -> bool:
        """Whether it gives probabilities of 8-bit pixels, which sum to one.

        Else it is a density, or Bernoulli's on real-valued pixels, whose nats are no code length.
        """
        ...

    def image(self, canvas: tf.Tensor) -> tf.Tensor:
        """What a canvas of any layout shows, in [0, 1]."""
        ...

    def terms(self, image: tf.Tensor, canvas: tf.Tensor) -> dict[str, tf.Tensor]:
        """Likelihood terms of `likelihood_and_latents`; image and canvas are [B, H, W, C]."""
        ...


class BoundMaximizer(TextToImageModel):
    """A model trained by maximising a lower bound of log p(x | y).

    The nats of two likelihoods cannot be compared. So a model that is not trained with the paper's
    Bernoulli likelihood is measured by it too: `bernoulli_loss` has the same KL, and
    `losses.bernoulli_nll` with the image that it decodes as the probability, kept 1 / 510 away from
    0 and 1. It is a valid bound, though of a model that was not the training objective;
    `bernoulli_above_floor` is its excess NLL.

    A `kl_weight` above 1 (the beta of Higgins et al. 2017) penalises information that the posterior
    takes from the image, so that the model relies more on the caption. The first `free_bits` nats
    of every step cost nothing (after Kingma et al. 2016, for each image and not for the mean of a
    batch), so that no step is left unused. Only the training objective is changed: reported bounds
    are the bound itself.

    Args:
        likelihood: of the pixels given the last canvas.
        kl_weight: weight of the KL in the training objective.
        free_bits: least KL of a step in the training objective, nats.
    """

    def __init__(
        self,
        *,
        likelihood: Likelihood,
        kl_weight: float = 1.0,
        free_bits: float = 0.0,
        **kwargs,
    ):
        self.likelihood = likelihood  # first, as it has some of the measures
        super().__init__(**kwargs)
        self.kl_weight = kl_weight
        self.free_bits = free_bits

    @property
    def measures(self):  # noqa: D102
        return ("loss", "above_floor", "reconstruction_nll", "kl", *self.likelihood.measures)

    @property
    def headline(self):  # noqa: D102
        return self.likelihood.headline

    @property
    def feature_keys(self):  # noqa: D102
        return ("image", self.reads)

    @property
    def objectives(self):  # noqa: D102
        return {"objective": self.trainable_variables}

    @abstractmethod
    def reconstruct(self, image: tf.Tensor, caption: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """Images decoded from a sample of the posterior, float32 [B, H, W, C] in [0, 1].

        Arguments as for `bound_terms`.
        """

    @abstractmethod
    def likelihood_and_latents(
        self, image: tf.Tensor, caption: tf.Tensor, noise: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], Gaussian, Gaussian]:
        """Likelihood terms at a sample of the posterior; arguments as for `bound_terms`.

        Returns:
            The likelihood terms, nats [B]: `reconstruction_nll`, and `entropy`, its lower limit for
            any model; where the likelihood is not Bernoulli's, `bernoulli_nll` and
            `bernoulli_entropy` too. Then posterior and prior, with parameters [T, B, Z].
        """

    def bound_terms(self, image: tf.Tensor, caption: tf.Tensor, noise: tf.Tensor) -> dict:
        """Named terms of -bound, nats.

        Args:
            image: uint8 [B, H, W, C].
            caption: the feature that `reads` names.
            noise: [T, B, Z], standard normal.

        Returns:
            `kl_per_step` [T, B], and the likelihood terms of `likelihood_and_latents`.
        """
        likelihood, posterior, prior = self.likelihood_and_latents(image, caption, noise)
        return likelihood | {"kl_per_step": losses.kl_per_step(posterior, prior)}

    def importance_terms(self, image: tf.Tensor, caption: tf.Tensor, noise: tf.Tensor) -> dict:
        """Terms of the importance weight of one sample of the posterior.

        The weight of a sample z is p(x, z | y) / q(z | x, y), with the logarithm

            log w = -reconstruction_nll - sum_t log_ratio_per_step

        and the expectation of w over the noise is p(x | y) (Burda et al. 2016).

        Returns:
            As `bound_terms`, with `log_ratio_per_step` [T, B], log q(z_t) - log p(z_t), in place of
            `kl_per_step`, its expectation.
        """
        likelihood, posterior, prior = self.likelihood_and_latents(image, caption, noise)
        ratio = losses.log_ratio_per_step(posterior, prior, noise)
        return likelihood | {"log_ratio_per_step": ratio}

    def terms(self, batch, noise, seed=None):  # noqa: D102
        terms = self.bound_terms(batch["image"], self.read_captions(batch), noise)
        kl = tf.reduce_sum(terms["kl_per_step"], axis=0)
        loss = terms["reconstruction_nll"] + kl
        paid = kl
        if self.free_bits > 0:
            paid = tf.reduce_sum(tf.maximum(terms["kl_per_step"], self.free_bits), axis=0)
        objective = terms["reconstruction_nll"] + self.kl_weight * paid
        excess_nll = loss - terms["entropy"]
        terms |= {"kl": kl, "loss": loss, "above_floor": excess_nll, "objective": objective}
        if "bernoulli_nll" in terms:
            bernoulli = terms["bernoulli_nll"] + kl
            terms["bernoulli_loss"] = bernoulli
            terms["bernoulli_above_floor"] = bernoulli - terms["bernoulli_entropy"]
        if self.likelihood.is_discrete:
            terms["bits_per_dim"] = losses.bits_per_dim(loss, batch["image"].shape[1:])
        return terms

    def gain(
        self,
        image: tf.Tensor,
        caption: tf.Tensor,
        noise: tf.Tensor,
        other: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """How much likelier a caption makes an image: L(x | y) - L(x | other), nats, [B].

        Args:
            image: uint8 [B, H, W, C].
            caption: the feature that `reads` names.
            noise: [T, B, Z], standard normal, of both bounds.
            other: captions to compare with; None for the empty one.

        Raises:
            UserError: `other` is None, and the model has no empty caption.
        """
        other = self.empty_caption(caption) if other is None else other
        return self.bound(image, caption, noise) - self.bound(image, other, noise)

    def bound(self, image: tf.Tensor, caption: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """A lower bound of log p(x | y), nats, [B], for images uint8 [B, H, W, C]."""
        return -self.terms({"image": image, self.reads: caption}, noise)["loss"]

    def bernoulli_bound(self, image: tf.Tensor, caption: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """`bound` by DRAW's Bernoulli convention, whatever the likelihood of the training."""
        terms = self.terms({"image": image, self.reads: caption}, noise)
        return -terms.get("bernoulli_loss", terms["loss"])
