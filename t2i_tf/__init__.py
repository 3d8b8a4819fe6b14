"""Text to image by drawing: Keras layers and models of alignDRAW and its baselines.

"Generating Images from Captions with Attention" (Mansimov, Parisotto, Ba, Salakhutdinov, ICLR
2016).

Dimensions have the same letters everywhere:

    B  examples in a batch          H  image height, pixels
    N  words of a caption           W  image width, pixels
    V  words in the vocabulary      C  image channels, 1 or 3
    T  drawing steps                P  side of the read or write patch
    Z  latent units per step        D  units of a layer

Losses and bounds are in nats. Images are uint8 in files and batches, and floats in [0, 1] inside a
model.

`TextToImage.from_preset` loads a trained model in one line; TensorFlow is imported only then.
"""

import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from t2i_tf.hub import (
        ImageToImage,
        ImageToText,
        PretrainedModel,
        TextToImage,
        TextToVector,
    )

__all__ = ["ImageToImage", "ImageToText", "PretrainedModel", "TextToImage", "TextToVector"]


def __getattr__(name: str):
    """The trained models, imported when they are asked for, as TensorFlow takes seconds."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from t2i_tf.import_tensorflow import import_tensorflow

    import_tensorflow()
    from t2i_tf import hub

    return getattr(hub, name)


if "keras" in sys.modules:  # then `keras.saving.load_model` has to know the classes of our files
    importlib.import_module("t2i_tf.hub")
