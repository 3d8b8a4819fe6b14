"""The models, and `build_model`, the one place where a config becomes layers."""

import dataclasses

import keras

from t2i_tf.config import DrawConfig, ModelConfig
from t2i_tf.models.base import BoundMaximizer, Drawing, TextToImage
from t2i_tf.models.draw import AlignDRAW, NoAlignDRAW, SkipThoughtDRAW
from t2i_tf.models.learner import Learner, Preview

__all__ = [
    "AlignDRAW",
    "BoundMaximizer",
    "Drawing",
    "Learner",
    "NoAlignDRAW",
    "Preview",
    "SkipThoughtDRAW",
    "TextToImage",
    "build_model",
]


def build_model(config: ModelConfig, *, seed: int = 0, mixed_precision: bool = False) -> Learner:
    """A model with fresh weights. `seed` fixes the weights and the noise of training."""
    # One generator for all initializers: every weight draws its own values.
    common = {
        "seed": seed,
        "generator": keras.random.SeedGenerator(seed),
        "dtype": "mixed_bfloat16" if mixed_precision else "float32",
    }
    return _BUILDERS[type(config)](**dataclasses.asdict(config), **common)


def _draw(conditioning, initializer, sentence_units, align_units, generator, **sizes):
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
    for name in ("vocabulary_size", "embedding_units", "caption_units"):
        del sizes[name]
    return SkipThoughtDRAW(sentence_units=sentence_units, **sizes)


_BUILDERS = {DrawConfig: _draw}
