"""Text-to-image models, and `build_model`, the one place where a config becomes layers."""

import dataclasses

import keras

from t2i_tf.config import DrawConfig
from t2i_tf.models.base import BoundMaximizer, Drawing, TextToImage
from t2i_tf.models.draw import AlignDRAW, NoAlignDRAW

__all__ = [
    "AlignDRAW",
    "BoundMaximizer",
    "Drawing",
    "NoAlignDRAW",
    "TextToImage",
    "build_model",
]


def build_model(config: DrawConfig, *, seed: int = 0, mixed_precision: bool = False) -> TextToImage:
    """A model with fresh weights. `seed` fixes the weights and the noise of training."""
    sizes = dataclasses.asdict(config)
    conditioning, initializer = sizes.pop("conditioning"), sizes.pop("initializer")
    common = {
        **_initializers(initializer, seed),
        "seed": seed,
        "dtype": "mixed_bfloat16" if mixed_precision else "float32",
    }
    if conditioning == "align":
        return AlignDRAW(**sizes, **common)
    sizes.pop("align_units")
    return NoAlignDRAW(**sizes, **common)


def _initializers(name: str, seed: int) -> dict[str, keras.initializers.Initializer]:
    # One generator for all of them: every weight draws its own values.
    generator = keras.random.SeedGenerator(seed)
    if name == "normal":
        return {"initializer": keras.initializers.RandomNormal(stddev=0.01, seed=generator)}
    return {
        "initializer": keras.initializers.GlorotUniform(seed=generator),
        "embedding_initializer": keras.initializers.RandomNormal(stddev=1.0, seed=generator),
    }
