"""The convolutions of the small networks that judge images."""

from collections.abc import Sequence
from itertools import pairwise

import keras


def build_convolutions(
    channels: int, filters: Sequence[int], initializer: keras.initializers.Initializer
) -> list[keras.layers.Conv2D]:
    """3x3 convolutions with ReLU for images [B, H, W, channels], with their weights built."""
    convolutions = []
    for k, (depth, count) in enumerate(pairwise((channels, *filters))):
        convolution = keras.layers.Conv2D(
            count,
            3,
            padding="same",
            data_format="channels_last",
            activation="relu",
            kernel_initializer=initializer,
            name=f"conv_{k}",
        )
        convolution.build((None, None, None, depth))
        convolutions.append(convolution)
    return convolutions
