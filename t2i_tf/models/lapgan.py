"""Conditional LAPGAN: a small picture, then residuals that double its side, each by two players."""

import tensorflow as tf

from t2i_tf.layers.gan import laplacian_pyramid as pyramid
from t2i_tf.layers.gan.discriminators import ConvDiscriminator, DenseDiscriminator
from t2i_tf.layers.gan.generators import DenseGenerator, ResidualGenerator
from t2i_tf.layers.gan.losses import gan_losses, uniform_from_normals
from t2i_tf.models.text_to_image import Drawing, TextToImage


class ConditionalLAPGAN(TextToImage):
    """A Laplacian pyramid of generative adversarial networks (Denton et al. 2015) that reads text.

        x_0 = G_0(z_0, y),   x_k = clip(up(x_{k-1}) + G_k(up(x_{k-1}), z_k, y), 0, 1)

    In training every stage adds to the coarse version of the real picture, so that all of them
    learn at once, and apart from each other; what they give is not clipped there, so that the
    gradient is nowhere dead and the discriminator teaches the range. In generation the stages are a
    chain. The players' losses are sums over the levels, and so is the distance of what the stages
    draw from the real pictures; see `adversarial` for their scale.

    Args:
        height, width, channels: of the pictures.
        sentence_units: D, width of the caption's vector.
        stages: residual stages above the base.
        text_units: width of the caption in the base's networks.
        base_units: of the base's hidden layers.
        base_noise: units of the base's noise.
        filters: of the residual generators' convolutions.
        discriminator_filters: of the residual discriminators' convolutions.
        dropout: of the discriminators.
        label_smoothing: see `adversarial.discriminator_loss`.
        mismatched_captions: see `gan_losses`; for the base, which has nothing else to go by.
        fidelity: weight of the mean |drawn - real| in the loss of the residual generators; 0 is the
            paper's.
        initializer: of every weight.
        seed: of noise and dropout in training.

    Raises:
        UserError: height and width cannot be halved `stages` times.
    """

    title = "LAPGAN"
    feature_keys = ("image", "sentence")
    reads = "sentence"
    headline = ("generator_loss", "discriminator_loss")

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
        dtype=None,
    ):
        sizes = pyramid.level_sizes(height, width, stages)
        self.level_names = [f"{h}x{w}" for h, w in sizes]
        super().__init__(seed=seed, name="conditional_lapgan", dtype=dtype)
        self.stages = stages
        self.label_smoothing, self.fidelity = label_smoothing, fidelity
        self.mismatched_captions = mismatched_captions
        self.noise_sizes = [base_noise, *(h * w for h, w in sizes[1:])]
        self.noise_shape = (1, sum(self.noise_sizes))
        self.generators, self.discriminators = [], []
        common = {"initializer": initializer, "dtype": dtype}
        for k, (name, size) in enumerate(zip(self.level_names, sizes, strict=True)):
            shape = (*size, channels)
            here = common | {"name": f"generator_{name}"}
            there = common | {"name": f"discriminator_{name}", "dropout": dropout}
            if k == 0:
                generator = DenseGenerator(shape, text_units, base_units, **here)
                discriminator = DenseDiscriminator(shape, text_units, base_units, **there)
            else:
                generator = ResidualGenerator(shape, filters, **here)
                discriminator = ConvDiscriminator(shape, discriminator_filters, **there)
            generator.build((None, self.noise_sizes[k]), (None, sentence_units))
            discriminator.build((None, *shape), (None, sentence_units))
            self.generators.append(generator)
            self.discriminators.append(discriminator)
        self.built = True

    @property
    def measures(self):  # noqa: D102
        shares = (f"{kind}_judged_right_{n}" for n in self.level_names for kind in ("real", "fake"))
        return ("generator_loss", "discriminator_loss", "distance", *shares)

    @property
    def objectives(self):  # noqa: D102
        return {
            "generator_objective": _weights(self.generators),
            "discriminator_loss": _weights(self.discriminators),
        }

    def terms(self, batch, noise, seed=None):  # noqa: D102
        image = tf.cast(batch["image"], self.variable_dtype) / 255.0
        sentence = tf.cast(batch["sentence"], self.variable_dtype)
        levels = zip(pyramid.levels(image, self.stages), self._split(noise), strict=True)
        games = [
            gan_losses(
                self.discriminators[k],
                real,
                self._draw(k, pyramid.coarse(real) if k else None, noise_k, sentence),
                sentence,
                seed=None if seed is None else tf.random.fold_in(seed, k),
                label_smoothing=self.label_smoothing,
                mismatched_captions=self.mismatched_captions and k == 0,
            )
            for k, (real, noise_k) in enumerate(levels)
        ]
        games[0]["distance"] = tf.zeros_like(games[0]["distance"])  # nothing ties it to one picture
        sums = ("generator_loss", "discriminator_loss", "distance")
        terms = {name: tf.add_n([game[name] for game in games]) for name in sums}
        for level, game in zip(self.level_names, games, strict=True):
            terms |= {f"{name}_{level}": game[name] for name in game if name not in sums}
        objective = terms["generator_loss"] + self.fidelity * terms["distance"]
        return terms | {"generator_objective": objective}

    def generate(self, caption, noise):  # noqa: D102
        caption = tf.cast(caption, self.variable_dtype)
        picture, levels = None, []
        for k, noise_k in enumerate(self._split(noise)):
            coarse = pyramid.up(picture) if k else None
            picture = tf.clip_by_value(self._draw(k, coarse, noise_k, caption), 0.0, 1.0)
            levels.append(picture)
        canvases = tf.stack([self._enlarged(level, k) for k, level in enumerate(levels)], axis=1)
        _, steps, height, width, _ = canvases.shape
        examples = tf.shape(canvases)[0]
        window = tf.constant([0, 0, height, width], canvases.dtype)
        return Drawing(
            image=picture,
            canvases=canvases,
            alignment=tf.zeros([examples, steps, 0], canvases.dtype),
            windows=tf.tile(window[None, None], [examples, steps, 1]),
        )

    def _split(self, noise: tf.Tensor) -> list[tf.Tensor]:
        """Normals [1, B, Z] to U(-1, 1) [B, Z_k] for each level."""
        return tf.split(uniform_from_normals(noise[0]), self.noise_sizes, axis=-1)

    def _draw(self, level, coarse, noise, sentence) -> tf.Tensor:
        """The picture of a level, not clipped."""
        generator = self.generators[level]
        if coarse is None:
            return generator(noise, sentence)
        return coarse + generator(noise, sentence, coarse)

    def _enlarged(self, picture: tf.Tensor, level: int) -> tf.Tensor:
        for _ in range(self.stages - level):
            picture = pyramid.up(picture)
        return picture


def _weights(parts) -> list:
    return [weight for part in parts for weight in part.trainable_variables]
