"""The sharpening network: a generator adds edges to blurry images, trained adversarially."""

from typing import Literal

import tensorflow as tf

from t2i_tf.image_ops import from_pixels
from t2i_tf.layers.gan import laplacian_pyramid as pyramid
from t2i_tf.layers.gan.discriminators import ConvDiscriminator
from t2i_tf.layers.gan.generators import ResidualGenerator
from t2i_tf.layers.gan.losses import gan_losses, uniform_from_normals
from t2i_tf.models.trainable_model import Preview, TrainableModel

Pairs = Literal["coarse", "reconstructions", "both"]


class SharpeningGAN(TrainableModel):
    """The last stage of a conditional LAPGAN, for images that a model has drawn blurry.

        sharpened = clip(blurry + G(blurry, noise, y), 0, 1)

    In training the sum is not clipped: clipping has no gradient outside the range, and real images
    teach the discriminator, and it the generator, which range is right. `sharpen` sets the noise to
    0, so that an image has one sharpened version.

    Args:
        height, width, channels: size of the images.
        sentence_units: D, width of the sentence vector.
        filters: filters of the generator's convolutions.
        discriminator_filters: filters of the discriminator's convolutions.
        dropout: dropout rate in the discriminator.
        label_smoothing: see `discriminator_loss`.
        fidelity: weight of the mean |sharpened - real| in the generator's loss; 0 in the paper.
        pairs: what it learns to sharpen. `coarse`: images halved and doubled again;
            `reconstructions`: the feature `reconstruction`, uint8 [B, H, W, C], a drawing model's
            reconstructions of the images; `both`: the two in turn.
        initializer: initializer of every weight.
        seed: seed of noise and dropout in training.

    Raises:
        UserError: height or width is odd, and `pairs` needs coarse images.
    """

    title = "Sharpening"
    headline = ("generator_loss", "discriminator_loss", "distance")
    measures = (
        "generator_loss",
        "discriminator_loss",
        "real_judged_right",
        "fake_judged_right",
        "distance",
    )

    def __init__(
        self,
        *,
        height: int,
        width: int,
        channels: int,
        sentence_units: int,
        filters: int,
        discriminator_filters: int,
        dropout: float,
        label_smoothing: float,
        fidelity: float = 0.0,
        pairs: Pairs = "coarse",
        initializer="glorot_uniform",
        seed: int = 0,
        dtype=None,
    ):
        if pairs != "reconstructions":
            pyramid.level_sizes(height, width, stages=1)
        super().__init__(seed=seed, name="sharpening_gan", dtype=dtype)
        self.label_smoothing, self.fidelity, self.pairs = label_smoothing, fidelity, pairs
        self.noise_shape = (1, height * width)
        shape, text_shape = (height, width, channels), (None, sentence_units)
        self.generator = ResidualGenerator(
            shape, filters, initializer, dtype=dtype, name="generator"
        )
        self.generator.build((None, height * width), text_shape)
        self.discriminator = ConvDiscriminator(
            shape, discriminator_filters, dropout, initializer, dtype=dtype, name="discriminator"
        )
        self.discriminator.build((None, *shape), text_shape)
        self.built = True

    @property
    def feature_keys(self):  # noqa: D102
        own = () if self.pairs == "coarse" else ("reconstruction",)
        return ("image", "sentence", *own)

    @property
    def objectives(self):  # noqa: D102
        return {
            "generator_objective": self.generator.trainable_variables,
            "discriminator_loss": self.discriminator.trainable_variables,
        }

    def terms(self, batch, noise, seed=None):  # noqa: D102
        real, sentence = self._floats(batch["image"]), self._text(batch["sentence"])
        blurry = self._blurry(batch)
        fake = blurry + self.generator(uniform_from_normals(noise[0]), sentence, blurry)
        terms = gan_losses(self.discriminator, real, fake, sentence, seed, self.label_smoothing)
        objective = terms["generator_loss"] + self.fidelity * terms["distance"]
        return terms | {"generator_objective": objective}

    def sharpen(self, image: tf.Tensor, sentence: tf.Tensor) -> tf.Tensor:
        """Sharpen blurry images.

        Args:
            image: float [B, H, W, C] in [0, 1].
            sentence: [B, D], the vectors of their captions.

        Returns:
            Float [B, H, W, C] in [0, 1], a deterministic function of the arguments.
        """
        image = tf.cast(image, self.variable_dtype)
        noise = tf.zeros([tf.shape(image)[0], self.noise_shape[1]], self.variable_dtype)
        edges = self.generator(noise, self._text(sentence), image)
        return tf.clip_by_value(image + edges, 0.0, 1.0)

    def preview(self, batch):
        """Rows of three images: blurry, sharpened, real."""
        blurry = self._blurry(batch)
        sharpened = self.sharpen(blurry, batch["sentence"])
        pictures = tf.stack([blurry, sharpened, self._floats(batch["image"])], axis=1)
        alignment = tf.zeros([tf.shape(blurry)[0], 2, 0], blurry.dtype)
        return Preview(pictures, batch["token_ids"], pictures[:, :2], alignment)

    def _blurry(self, batch) -> tf.Tensor:
        """The images of a batch to sharpen, float [B, H, W, C]."""
        if self.pairs == "coarse":
            return pyramid.coarse(self._floats(batch["image"]))
        reconstruction = self._floats(batch["reconstruction"])
        if self.pairs == "reconstructions":
            return reconstruction
        # In turn: as batches are shuffled, every image comes in both kinds.
        even = tf.range(tf.shape(reconstruction)[0]) % 2 == 0
        coarse = pyramid.coarse(self._floats(batch["image"]))
        return tf.where(even[:, None, None, None], coarse, reconstruction)

    def _floats(self, pixels: tf.Tensor) -> tf.Tensor:
        return from_pixels(pixels, self.variable_dtype)

    def _text(self, sentence: tf.Tensor) -> tf.Tensor:
        return tf.cast(sentence, self.variable_dtype)
