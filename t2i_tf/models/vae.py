"""The conditional variational autoencoders of the paper's tables: an image in one step."""

import math
from abc import abstractmethod

import keras
import tensorflow as tf

from t2i_tf.image_ops import from_pixels
from t2i_tf.layers.caption.empty_caption import EmptySentence
from t2i_tf.layers.conv_stacks import ConvStack, DeconvStack, stack_shapes
from t2i_tf.layers.draw.gaussian import Gaussian
from t2i_tf.layers.draw.guidance import guided
from t2i_tf.layers.draw.window import whole_image
from t2i_tf.layers.gan.sentence_plane import unit_scale
from t2i_tf.likelihoods.least_squares import LeastSquares
from t2i_tf.models.text_to_image import BoundMaximizer, Drawing, Likelihood

INITIAL_SIGMA = 0.1  # of a pixel's density, with grey values from 0 to 1
MINIMUM_SIGMA = 1 / 255  # one grey level, the resolution of pixels


class ConditionedVAE(BoundMaximizer):
    """A variational autoencoder (Kingma and Welling 2014) conditioned on a sentence vector y.

        t = ReLU(W y + b)                                             y with a mean square of 1
        q(z | x, y) = N(m, s^2),  [m, log s^2] = W [encode(x), t] + b
        p(z) = N(0, I)
        p(x | y, z) = N(sigmoid(decode([z, t])), sigma^2)

        L = E_q[ log p(x | y, z) ] - KL(q(z | x, y) || p(z))

    The least-squares loss and the skip-thought vector are the paper's. The rest is our choice: all
    sizes, where the vector joins, and a prior that does not depend on it, so that information about
    the caption costs KL in z and nothing in t.

    Least squares is the likelihood of a Gaussian with one sigma for all pixels. Sigma is learned,
    because with a fixed sigma of 1 pixels matter so little that z stays unused; it cannot fall
    below one grey level. `reconstruction_nll` is then minus the log density of pixels in [0, 1]: it
    may be negative, and has no entropy floor (`entropy` is 0, and `above_floor` is the loss
    itself).

    Args:
        height, width, channels: size of the images.
        sentence_units: D, width of the sentence vector.
        text_units: width of t.
        latent_units: Z.
        feature_units: width of the features from `encode`.
        initializer: initializer of every weight matrix.
        seed: seed of the noise in training.
        kl_weight, free_bits: see `BoundMaximizer`.
        likelihood: of the pixels given the decoded image; least squares by default.
        caption_dropout: see `TextToImageModel`.
    """

    reads = "sentence"

    def __init__(
        self,
        *,
        height: int,
        width: int,
        channels: int,
        sentence_units: int,
        text_units: int,
        latent_units: int,
        feature_units: int,
        initializer="glorot_uniform",
        seed: int = 0,
        kl_weight: float = 1.0,
        free_bits: float = 0.0,
        likelihood: Likelihood | None = None,
        caption_dropout: float = 0.0,
        name: str,
        dtype=None,
    ):
        super().__init__(
            likelihood=likelihood or LeastSquares(self.log_sigma),
            seed=seed,
            kl_weight=kl_weight,
            free_bits=free_bits,
            caption_dropout=caption_dropout,
            empty=EmptySentence(sentence_units, seed, dtype=dtype),
            name=name,
            dtype=dtype,
        )
        self.noise_shape = (1, latent_units)
        self.shape = (height, width, channels)
        self.initializer = initializer
        self.text = self._dense(sentence_units, text_units, "relu", "text")
        self.posterior_head = self._dense(
            feature_units + text_units, 2 * latent_units, None, "posterior_head"
        )
        if likelihood is None:
            start = keras.initializers.Constant(math.log(INITIAL_SIGMA))
            self.raw_log_sigma = self.add_weight(shape=(), initializer=start, name="raw_log_sigma")

    @abstractmethod
    def encode(self, image: tf.Tensor) -> tf.Tensor:
        """Images [B, H, W, C] in [0, 1] to features [B, F]."""

    @abstractmethod
    def decode(self, code: tf.Tensor) -> tf.Tensor:
        """Concatenated latents and text [B, Z + text_units] to canvases [B, H, W, C]."""

    def log_sigma(self) -> tf.Tensor:
        """log sigma of least squares, with the learned sigma = 1 / 255 + exp(weight)."""
        return tf.math.log(MINIMUM_SIGMA + tf.exp(self.raw_log_sigma))

    def infer(self, image: tf.Tensor, text: tf.Tensor) -> Gaussian:
        """q(z | x, y), parameters [B, Z]."""
        joined = tf.concat([self.encode(image), text], axis=-1)
        outputs = tf.cast(self.posterior_head(joined), self.variable_dtype)
        mean, log_variance = tf.split(outputs, 2, axis=-1)
        return Gaussian(mean, 0.5 * log_variance)

    def draw(self, z: tf.Tensor, text: tf.Tensor) -> tf.Tensor:
        """The canvas, from which the likelihood makes p(x | y, z), [B, H, W, C]."""
        code = tf.concat([tf.cast(z, text.dtype), text], axis=-1)
        return tf.cast(self.decode(code), self.variable_dtype)

    def likelihood_and_latents(self, image, caption, noise):  # noqa: D102
        image, text = self._floats(image), self._read_text(caption)
        posterior = self.infer(image, text)
        canvas = self.draw(posterior.sample(noise[0]), text)
        zeros = tf.zeros_like(noise)
        posterior = Gaussian(posterior.mean[None], posterior.log_sigma[None])
        return self.likelihood.terms(image, canvas), posterior, Gaussian(zeros, zeros)

    def reconstruct(self, image, caption, noise):  # noqa: D102
        text = self._read_text(caption)
        posterior = self.infer(self._floats(image), text)
        return self.likelihood.image(self.draw(posterior.sample(noise[0]), text))

    def generate(self, caption, noise, guidance=0.0, instead_of=None):
        """Draw captions in one step over the whole image: the mean of p(x | y, z).

        The prior does not depend on the caption: guidance extrapolates what is decoded alone.
        """
        decoded = self.draw(noise[0], self._read_text(caption))
        other = self.other_caption(caption, guidance, instead_of)
        if other is not None:
            decoded = guided(decoded, self.draw(noise[0], self._read_text(other)), guidance)
        image = self.likelihood.image(decoded)
        batch, dtype = tf.shape(image)[0], self.variable_dtype
        return Drawing(
            image=image,
            canvases=image[:, None],
            alignment=tf.zeros([batch, 1, 0], dtype),
            windows=whole_image(*self.shape[:2], batch, steps=1, dtype=dtype),
        )

    def _floats(self, pixels: tf.Tensor) -> tf.Tensor:
        return from_pixels(pixels, self.variable_dtype)

    def _read_text(self, sentence: tf.Tensor) -> tf.Tensor:
        return self.text(unit_scale(tf.cast(sentence, self.variable_dtype)))

    def _dense(self, inputs: int, units: int, activation: str | None, name: str):
        layer = keras.layers.Dense(
            units,
            activation,
            kernel_initializer=self.initializer,
            dtype=self.dtype_policy,
            name=name,
        )
        layer.build((None, inputs))
        return layer


class FullyConnectedVAE(ConditionedVAE):
    """Two hidden layers from image to features, and two from latent to image.

    Args:
        hidden_units: units of each hidden layer.
    """

    title = "Fully-Connected VAE"

    def __init__(self, *, hidden_units: int, text_units: int, latent_units: int, **sizes):
        super().__init__(
            text_units=text_units,
            latent_units=latent_units,
            feature_units=hidden_units,
            name="fully_connected_vae",
            **sizes,
        )
        pixels = math.prod(self.shape)
        self.encoder = [
            self._dense(pixels, hidden_units, "relu", "encoder_1"),
            self._dense(hidden_units, hidden_units, "relu", "encoder_2"),
        ]
        self.decoder = [
            self._dense(latent_units + text_units, hidden_units, "relu", "decoder_1"),
            self._dense(hidden_units, hidden_units, "relu", "decoder_2"),
            self._dense(hidden_units, pixels, None, "pixels"),
        ]
        self.built = True

    def encode(self, image):  # noqa: D102
        features = tf.reshape(image, [-1, math.prod(self.shape)])
        for layer in self.encoder:
            features = layer(features)
        return features

    def decode(self, code):  # noqa: D102
        for layer in self.decoder:
            code = layer(code)
        return tf.reshape(code, [-1, *self.shape])


class ConvDeconvVAE(ConditionedVAE):
    """Three convolutions from image to features, and their mirror from latent to image.

    Args:
        filters: filters of the first convolution; each further one has twice as many.
    """

    title = "Conv-Deconv VAE"

    def __init__(
        self,
        *,
        height: int,
        width: int,
        channels: int,
        filters: int,
        text_units: int,
        latent_units: int,
        dtype=None,
        **sizes,
    ):
        shape, counts = (height, width, channels), [filters, 2 * filters, 4 * filters]
        grid = stack_shapes(shape, counts)[-1]
        super().__init__(
            height=height,
            width=width,
            channels=channels,
            text_units=text_units,
            latent_units=latent_units,
            feature_units=math.prod(grid),
            name="conv_deconv_vae",
            dtype=dtype,
            **sizes,
        )
        self.encoder = ConvStack(shape, counts, self.initializer, dtype=dtype, name="encoder")
        self.encoder.build((None, *shape))
        self.grid = self._dense(latent_units + text_units, math.prod(grid), "relu", "grid")
        self.decoder = DeconvStack(shape, counts, self.initializer, dtype=dtype, name="decoder")
        self.decoder.build((None, *grid))
        self.built = True

    def encode(self, image):  # noqa: D102
        return tf.reshape(self.encoder(image), [-1, math.prod(self.decoder.shapes[0])])

    def decode(self, code):  # noqa: D102
        return self.decoder(tf.reshape(self.grid(code), [-1, *self.decoder.shapes[0]]))
