"""What every text-to-image model offers, and the terms of those that maximise a bound."""

from abc import abstractmethod
from typing import NamedTuple

import tensorflow as tf

from t2i_tf import losses
from t2i_tf.layers.draw.gaussian import Gaussian
from t2i_tf.models.trainable_model import Batch, Preview, TrainableModel


class Drawing(NamedTuple):
    """Pictures and how they came about; a model that draws at once has T = 1."""

    image: tf.Tensor  # float32 [B, H, W, C] in [0, 1]
    canvases: tf.Tensor  # float32 [B, T, H, W, C] in [0, 1]; the last is the image
    alignment: tf.Tensor  # float32 [B, T, N], attention over the words; N = 0: it sees no words
    windows: tf.Tensor  # float32 [B, T, 4]: top, left, bottom, right of the write window, pixels


class TextToImage(TrainableModel):
    """A model that draws captions: `noise` and `generate`.

    A caption is one tensor, either `token_ids` int32 [B, N] or a `sentence` float32 [B, D], the
    vector that a sentence encoder made of it.
    """

    reads: str = "token_ids"
    """The column of a batch that holds the caption as this model reads it."""
    bound = None
    """`bound(image, caption, noise)`: a lower bound of log p(x | y), nats, [B]; None: it has none.
    """

    def noise(self, seeds: tf.Tensor, temperature: tf.Tensor | float = 1.0) -> tf.Tensor:
        """Normals [T, B, Z], a column of its own for every seed, so that a seed is one picture.

        Args:
            seeds: int [B].
            temperature: standard deviation, [B] or a number; 0 draws the mean at every step.
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
    def generate(self, caption: tf.Tensor, noise: tf.Tensor) -> Drawing:
        """Draw captions, as `reads` says, from noise [T, B, Z]."""

    def preview(self, batch: Batch) -> Preview:
        """Drawings of the captions, each from the seed that is its number."""
        caption = batch[self.reads]
        drawing = self.generate(caption, self.noise(tf.range(tf.shape(caption)[0])))
        pictures = drawing.image[:, None]
        return Preview(pictures, batch["token_ids"], drawing.canvases, drawing.alignment)


class BoundMaximizer(TextToImage):
    """A model trained by maximising a lower bound of log p(x | y).

    A `kl_weight` over 1 (the beta of Higgins et al. 2017) makes what the posterior tells about the
    picture dear, so that training takes more from the caption. It weighs the gradient alone: every
    bound that is reported is the bound.
    """

    measures = ("loss", "above_floor", "reconstruction_nll", "kl")
    headline = ("above_floor", "kl")

    def __init__(self, *, kl_weight: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.kl_weight = kl_weight

    @property
    def feature_keys(self):  # noqa: D102
        return ("image", self.reads)

    @property
    def objectives(self):  # noqa: D102
        return {"objective": self.trainable_variables}

    @abstractmethod
    def reconstruct(self, image: tf.Tensor, caption: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """The picture as the posterior's sample shows it, float32 [B, H, W, C] in [0, 1].

        Arguments as of `bound_terms`.
        """

    @abstractmethod
    def likelihood_and_latents(
        self, image: tf.Tensor, caption: tf.Tensor, noise: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], Gaussian, Gaussian]:
        """How a sample of the posterior explains a picture; arguments as of `bound_terms`.

        Returns:
            The terms of the likelihood, nats [B]: `reconstruction_nll`, and `entropy`, the part
            of it that no model can avoid. And posterior and prior, parameters [T, B, Z].
        """

    def bound_terms(self, image: tf.Tensor, caption: tf.Tensor, noise: tf.Tensor) -> dict:
        """Named terms of -bound, nats.

        Args:
            image: uint8 [B, H, W, C].
            caption: as `reads` says.
            noise: [T, B, Z], standard normal.

        Returns:
            `kl_per_step` [T, B], and the terms of the likelihood, as of `likelihood_and_latents`.
        """
        likelihood, posterior, prior = self.likelihood_and_latents(image, caption, noise)
        return likelihood | {"kl_per_step": losses.kl_per_step(posterior, prior)}

    def importance_terms(self, image: tf.Tensor, caption: tf.Tensor, noise: tf.Tensor) -> dict:
        """`bound_terms` at the sample that `noise` makes, without an expectation over it.

        The importance weight of that sample z is p(x, z | y) / q(z | x, y), with the logarithm

            log w = -reconstruction_nll - sum_t log_ratio_per_step

        and the mean of w over the noise is p(x | y) itself (Burda et al. 2016).

        Returns:
            As `bound_terms`, with `log_ratio_per_step` [T, B], log q(z_t) - log p(z_t), in place of
            `kl_per_step`, its expectation.
        """
        likelihood, posterior, prior = self.likelihood_and_latents(image, caption, noise)
        ratio = losses.log_ratio_per_step(posterior, prior, noise)
        return likelihood | {"log_ratio_per_step": ratio}

    def terms(self, batch, noise, seed=None):  # noqa: D102
        terms = self.bound_terms(batch["image"], batch[self.reads], noise)
        kl = tf.reduce_sum(terms["kl_per_step"], axis=0)
        loss = terms["reconstruction_nll"] + kl
        objective = terms["reconstruction_nll"] + self.kl_weight * kl
        above_floor = loss - terms["entropy"]
        return terms | {
            "kl": kl,
            "loss": loss,
            "above_floor": above_floor,
            "objective": objective,
        }

    def bound(self, image: tf.Tensor, caption: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """A lower bound of log p(x | y), nats, [B], of pictures uint8 [B, H, W, C]."""
        return -self.terms({"image": image, self.reads: caption}, noise)["loss"]
