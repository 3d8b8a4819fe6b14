"""The models, and `build_model`, the one place where a config becomes layers."""

import dataclasses
import math

import keras

from t2i_tf.config import (
    CaptionerConfig,
    ConvDrawConfig,
    DrawConfig,
    LapganConfig,
    ModelConfig,
    SharpeningConfig,
    SkipThoughtConfig,
    TrainConfig,
    VaeConfig,
)
from t2i_tf.errors import UsageError
from t2i_tf.likelihoods.discretized_logistic import DiscretizedLogistic
from t2i_tf.models.captioner import Description, ImageCaptioner
from t2i_tf.models.conv_draw import ConvDRAW
from t2i_tf.models.draw import AlignDRAW, NoAlignDRAW, SkipThoughtDRAW
from t2i_tf.models.lapgan import ConditionalLAPGAN
from t2i_tf.models.sharpening import SharpeningGAN
from t2i_tf.models.skip_thought import SkipThought
from t2i_tf.models.text_to_image import (
    BoundMaximizer,
    Drawing,
    Likelihood,
    TextToImageModel,
)
from t2i_tf.models.trainable_model import Preview, TrainableModel
from t2i_tf.models.vae import ConvDeconvVAE, FullyConnectedVAE

__all__ = [
    "AlignDRAW",
    "BoundMaximizer",
    "ConditionalLAPGAN",
    "ConvDRAW",
    "ConvDeconvVAE",
    "Description",
    "Drawing",
    "FullyConnectedVAE",
    "ImageCaptioner",
    "NoAlignDRAW",
    "Preview",
    "SharpeningGAN",
    "SkipThought",
    "SkipThoughtDRAW",
    "TextToImageModel",
    "TrainableModel",
    "build_configured",
    "build_model",
    "check_caption_dropout",
    "check_word_dropout",
]


def build_model(
    config: ModelConfig,
    *,
    seed: int = 0,
    mixed_precision: bool = False,
    caption_dropout: float = 0.0,
) -> TrainableModel:
    """A model with initial weights; `seed` fixes these and the noise of training.

    Args:
        config: the model's sizes.
        seed: seed of initial weights, noise and dropout.
        mixed_precision: whether matrix products are computed in bfloat16.
        caption_dropout: see `TextToImageModel`.

    Raises:
        UsageError: see `check_caption_dropout`; or there are more scales than the pictures have.
        UserError: the pictures cannot be halved as often as a LAPGAN or a sharpener needs.
    """
    check_caption_dropout(config, caption_dropout)
    sizes = dataclasses.asdict(config)
    if "likelihood" in sizes:
        sizes["likelihood"] = _likelihood(
            sizes["likelihood"], sizes["channels"], sizes.pop("components")
        )
    # All initializers share one generator, so that no two weights draw the same values.
    common = {
        "seed": seed,
        "generator": keras.random.SeedGenerator(seed),
        "dtype": "mixed_bfloat16" if mixed_precision else "float32",
    }
    if caption_dropout > 0:
        common["caption_dropout"] = caption_dropout
    return _BUILDERS[type(config)](**sizes, **common)


def build_configured(config: TrainConfig) -> TrainableModel:
    """The model of a training, with initial weights; errors are those of `build_model`."""
    return build_model(
        config.model,
        seed=config.seed,
        mixed_precision=config.mixed_precision,
        caption_dropout=config.caption_dropout,
    )


def _likelihood(name: str, channels: int, components: int) -> Likelihood | None:
    """The likelihood of a config; None for the one that the paper trains the system with."""
    return DiscretizedLogistic(channels, components) if name == "logistic" else None


def check_caption_dropout(config: ModelConfig, caption_dropout: float) -> None:
    """Refuse caption dropout for a model that draws no captions.

    Raises:
        UsageError: names the flag and the model's config.
    """
    if caption_dropout > 0 and isinstance(config, _DRAW_NO_CAPTIONS):
        raise UsageError(
            "--caption-dropout is for systems that draw captions (DRAW, the VAEs, the LAPGAN), got"
            f" {caption_dropout} for a {type(config).__name__}. Leave it out."
        )


def check_word_dropout(config: TrainConfig) -> None:
    """Refuse word dropout for a model that does not draw captions from their words.

    Raises:
        UsageError: names the flag and the model's config.
    """
    draws = not isinstance(config.model, _DRAW_NO_CAPTIONS)
    if config.word_dropout > 0 and (config.reads_sentences or not draws):
        reads = " with sentence vectors" if draws else ""
        raise UsageError(
            "--word-dropout is for systems that draw captions from their words, got"
            f" {config.word_dropout} for a {type(config.model).__name__}{reads}. Leave it out."
        )


def _draw(conditioning, initializer, sentence_units, align_units, window, generator, **sizes):
    sizes["convention"] = window
    if initializer == "normal":
        sizes["initializer"] = keras.initializers.RandomNormal(stddev=0.01, seed=generator)
        words = {}
    else:
        sizes["initializer"] = keras.initializers.GlorotUniform(seed=generator)
        words = {
            "embedding_initializer": keras.initializers.RandomNormal(stddev=1.0, seed=generator)
        }
    if conditioning == "align":
        return AlignDRAW(align_units=align_units, **words, **sizes)
    if conditioning == "average":
        return NoAlignDRAW(**words, **sizes)
    for name in ("vocabulary_size", "embedding_units", "caption_units", "caption_reader"):
        del sizes[name]
    return SkipThoughtDRAW(sentence_units=sentence_units, **sizes)


def _conv_draw(generator, **sizes):
    _check_scales(sizes["scales"], sizes["height"], sizes["width"])
    return ConvDRAW(
        initializer=keras.initializers.GlorotUniform(seed=generator),
        head_initializer=keras.initializers.VarianceScaling(  # a tenth of Glorot's
            0.01, "fan_avg", "uniform", seed=generator
        ),
        embedding_initializer=keras.initializers.RandomNormal(stddev=1.0, seed=generator),
        **sizes,
    )


def _check_scales(scales: int, height: int, width: int) -> None:
    """Refuse scales that are smaller than a pixel: each would double the memory, for nothing."""
    most = math.ceil(math.log2(max(height, width))) + 1
    if scales > most:
        raise UsageError(
            f"Expected --model.scales to be at most {most} for pictures of {height} x {width}, of"
            f" which the first scale is then one pixel, got {scales}."
        )


def _lapgan(generator, **sizes):
    return ConditionalLAPGAN(initializer=keras.initializers.GlorotUniform(seed=generator), **sizes)


def _sharpening(generator, **sizes):
    return SharpeningGAN(initializer=keras.initializers.GlorotUniform(seed=generator), **sizes)


def _vae(kind, hidden_units, filters, generator, **sizes):
    sizes["initializer"] = keras.initializers.GlorotUniform(seed=generator)
    if kind == "fully-connected":
        return FullyConnectedVAE(hidden_units=hidden_units, **sizes)
    return ConvDeconvVAE(filters=filters, **sizes)


def _captioner(generator, **sizes):
    initializers = {
        "initializer": keras.initializers.GlorotUniform(seed=generator),
        "feature_initializer": keras.initializers.HeUniform(seed=generator),
    }
    return ImageCaptioner(**initializers, **sizes)


def _skip_thought(generator, **sizes):
    initializer = keras.initializers.GlorotUniform(seed=generator)
    return SkipThought(initializer=initializer, generator=generator, **sizes)


_DRAW_NO_CAPTIONS = (CaptionerConfig, SharpeningConfig, SkipThoughtConfig)
_BUILDERS = {
    CaptionerConfig: _captioner,
    ConvDrawConfig: _conv_draw,
    DrawConfig: _draw,
    LapganConfig: _lapgan,
    SharpeningConfig: _sharpening,
    SkipThoughtConfig: _skip_thought,
    VaeConfig: _vae,
}
