"""Conditional LAPGAN: a small image, then residuals for twice the size, from a GAN per level."""

import tensorflow as tf

from t2i_tf.image_ops import from_pixels
from t2i_tf.layers.caption.empty_caption import EmptySentence
from t2i_tf.layers.draw.window import whole_image
from t2i_tf.layers.gan import laplacian_pyramid as pyramid
from t2i_tf.layers.gan.discriminators import ConvDiscriminator, DenseDiscriminator
from t2i_tf.layers.gan.generators import DenseGenerator, ResidualGenerator
from t2i_tf.layers.gan.losses import gan_losses, uniform_from_normals
from t2i_tf.models.text_to_image import Drawing, TextToImageModel


class ConditionalLAPGAN(TextToImageModel):
    """A Laplacian pyramid of generative adversarial networks (Denton et al. 2015), conditional.

        x_0 = G_0(z_0, y),   x_k = clip(up(x_{k-1}) + G_k(up(x_{k-1}), z_k, y), 0, 1)

    In training every stage adds to the coarse version of the real image, so that all of them learn
    at the same time, independently of each other; the sum is not clipped there, so that it has a
    gradient everywhere and the discriminator teaches the range. In generation the stages form a
    chain. The adversarial losses and the distance of the stages' images from the real ones are sums
    over the levels; see `layers.gan.losses` for their scale.

    Args:
        height, width, channels: size of the images.
        sentence_units: D, width of the sentence vector.
        stages: number of residual stages above the base.
        text_units: width of the sentence's projection in the base networks.
        base_units: units of the base networks' hidden layers.
        base_noise: units of the base generator's noise.
        filters: filters of the residual generators' convolutions.
        discriminator_filters: filters of the residual discriminators' convolutions.
        dropout: dropout rate in the discriminators.
        label_smoothing: see `discriminator_loss`.
        mismatched_captions: whether real images with the caption of their neighbour in the batch
            are rejected too, see `gan_losses`; for the base alone, which no coarse image guides.
        fidelity: weight of the mean |fake - real| in the residual generators' loss; 0 in the paper.
        initializer: initializer of every weight.
        seed: seed of noise and dropout in training.
        caption_dropout: see `TextToImageModel`; generators and discriminators read the same
            captions, and the empty one is the generators' to learn.

    Raises:
        UserError: height and width cannot be halved `stages` times.
    """

    title = "LAPGAN"
    feature_keys = ("image", "sentence")
    reads = "sentence"
    headline = ("generator_loss", "discriminator_loss")
    can_be_guided = False

    def __init__(
        self,
        *,
        height: int,
        width: int,
        channels: int,
        sentence_units: int,
        stages: int,
        text_units: int,
        base_units: int,
        base_noise: int,
        filters: int,
        discriminator_filters: int,
        dropout: float,
        label_smoothing: float,
        mismatched_captions: bool = False,
        fidelity: float = 0.0,
        initializer="glorot_uniform",
        seed: int = 0,
        caption_dropout: float = 0.0,
        dtype=None,
    ):
        sizes = pyramid.level_sizes(height, width, stages)
        self.level_names = [_level_name(*size) for size in sizes]
        super().__init__(
            seed=seed,
            caption_dropout=caption_dropout,
            empty=EmptySentence(sentence_units, seed, dtype=dtype),
            name="conditional_lapgan",
            dtype=dtype,
        )
        self.stages = stages
        self.label_smoothing, self.fidelity = label_smoothing, fidelity
        self.mismatched_captions = mismatched_captions
        self.noise_sizes = [base_noise, *(h * w for h, w in sizes[1:])]
        self.noise_shape = (1, sum(self.noise_sizes))
        self.generators, self.discriminators = [], []
        common = {"initializer": initializer, "dtype": dtype}
        for k, (h, w) in enumerate(sizes):
            shape = (h, w, channels)
            if k == 0:
                networks = _base_networks(shape, text_units, base_units, dropout, common)
            else:
                networks = _residual_networks(
                    shape, filters, discriminator_filters, dropout, common
                )
            self._add_level(*networks, sentence_units)
        self.built = True

    def _add_level(self, generator, discriminator, sentence_units: int) -> None:
        noise_units = self.noise_sizes[len(self.generators)]
        generator.build((None, noise_units), (None, sentence_units))
        discriminator.build((None, *generator.shape), (None, sentence_units))
        self.generators.append(generator)
        self.discriminators.append(discriminator)

    @property
    def measures(self):  # noqa: D102
        shares = (f"{kind}_judged_right_{n}" for n in self.level_names for kind in ("real", "fake"))
        return ("generator_loss", "discriminator_loss", "distance", *shares)

    @property
    def objectives(self):  # noqa: D102
        return {
            "generator_objective": _weights([*self.generators, *filter(None, [self.empty])]),
            "discriminator_loss": _weights(self.discriminators),
        }

    def terms(self, batch, noise, seed=None):  # noqa: D102
        image = from_pixels(batch["image"], self.variable_dtype)
        given, sentence = (
            tf.cast(captions, self.variable_dtype)
            for captions in (batch["sentence"], self.read_captions(batch))
        )
        # A real image fits the empty caption: only captions of other images can be wrong.
        wrong = tf.roll(given, 1, axis=0) if self.mismatched_captions else None
        levels = zip(pyramid.levels(image, self.stages), self._split(noise), strict=True)
        losses = [
            gan_losses(
                self.discriminators[k],
                real,
                self._draw(k, pyramid.coarse(real) if k else None, noise_k, sentence),
                sentence,
                seed=None if seed is None else tf.random.fold_in(seed, k),
                label_smoothing=self.label_smoothing,
                wrong_sentence=None if k else wrong,
            )
            for k, (real, noise_k) in enumerate(levels)
        ]
        losses[0]["distance"] = tf.zeros_like(losses[0]["distance"])  # the base has no one target
        sums = ("generator_loss", "discriminator_loss", "distance")
        terms = {name: tf.add_n([level[name] for level in losses]) for name in sums}
        for name, level in zip(self.level_names, losses, strict=True):
            terms |= {f"{key}_{name}": level[key] for key in level if key not in sums}
        objective = terms["generator_loss"] + self.fidelity * terms["distance"]
        return terms | {"generator_objective": objective}

    def generate(self, caption, noise, guidance=0.0, instead_of=None):
        """Draw captions, level by level; a GAN has no distribution that guidance could extrapolate.

        Raises:
            UserError: there is guidance.
        """
        self.other_caption(caption, guidance, instead_of)
        caption = tf.cast(caption, self.variable_dtype)
        image, levels = None, []
        for k, noise_k in enumerate(self._split(noise)):
            coarse = pyramid.up(image) if k else None
            image = tf.clip_by_value(self._draw(k, coarse, noise_k, caption), 0.0, 1.0)
            levels.append(image)
        canvases = tf.stack([self._enlarged(level, k) for k, level in enumerate(levels)], axis=1)
        _, steps, height, width, _ = canvases.shape
        batch, dtype = tf.shape(canvases)[0], canvases.dtype
        return Drawing(
            image=image,
            canvases=canvases,
            alignment=tf.zeros([batch, steps, 0], dtype),
            windows=whole_image(height, width, batch, steps, dtype),
        )

    def _split(self, noise: tf.Tensor) -> list[tf.Tensor]:
        """Normals [1, B, Z] to U(-1, 1) [B, Z_k] for each level."""
        return tf.split(uniform_from_normals(noise[0]), self.noise_sizes, axis=-1)

    def _draw(self, level, coarse, noise, sentence) -> tf.Tensor:
        """The image of a level, not clipped."""
        generator = self.generators[level]
        if coarse is None:
            return generator(noise, sentence)
        return coarse + generator(noise, sentence, coarse)

    def _enlarged(self, image: tf.Tensor, level: int) -> tf.Tensor:
        for _ in range(self.stages - level):
            image = pyramid.up(image)
        return image


def _level_name(height: int, width: int) -> str:
    return f"{height}x{width}"


def _base_networks(shape, text_units, units, dropout, common):
    name = _level_name(*shape[:2])
    return (
        DenseGenerator(shape, text_units, units, name=f"generator_{name}", **common),
        DenseDiscriminator(
            shape, text_units, units, dropout, name=f"discriminator_{name}", **common
        ),
    )


def _residual_networks(shape, filters, discriminator_filters, dropout, common):
    name = _level_name(*shape[:2])
    return (
        ResidualGenerator(shape, filters, name=f"generator_{name}", **common),
        ConvDiscriminator(
            shape, discriminator_filters, dropout, name=f"discriminator_{name}", **common
        ),
    )


def _weights(networks) -> list:
    return [weight for network in networks for weight in network.trainable_variables]
