"""Weights of small windows for larger ones: the new model draws what the old one drew.

A patch keeps its pixels in the middle of the larger one, the stride of its filters stays what it
was, and the weights of the new pixels around it begin at zero (our choice).
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import keras
import numpy as np

from t2i_tf.layers.draw.draw_cell import DrawCell


class _Patch(NamedTuple):
    """The weights that depend on the size of a patch."""

    size: int  # P, pixels
    window: keras.layers.Dense  # has the window's parameters
    pixels: list[tuple[keras.Variable, int, int]]  # a tensor, and the axis and number of patches


def with_larger_windows(
    old: Mapping[str, np.ndarray], before: keras.Model, now: keras.Model
) -> dict[str, np.ndarray]:
    """Enlarge the weights of a model's windows to the sizes that a new model has.

    They are left as they are where the models have no windows, or where a size does not grow by an
    even number of pixels: the filters would not lie where they did.

    Args:
        old: weights of the trained model, by path.
        before, now: the trained model and the new one.
    """
    small_cell, large_cell = getattr(before, "cell", None), getattr(now, "cell", None)
    if not (isinstance(small_cell, DrawCell) and isinstance(large_cell, DrawCell)):
        return dict(old)
    channels = small_cell.channels
    if large_cell.channels != channels:
        return dict(old)
    grown = dict(old)
    for small, large in zip(_patches(small_cell), _patches(large_cell), strict=True):
        margin, odd = divmod(large.size - small.size, 2)
        if margin <= 0 or odd:
            continue
        for tensor, axis, patches in small.pixels:
            weight = grown[tensor.path]
            grown[tensor.path] = _with_margin(weight, axis, patches, small.size, margin, channels)
        # The stride is (side of the image - 1) / (P - 1) exp(log stride).
        bias = grown[small.window.bias.path].copy()
        bias[2] += math.log(max(large.size - 1, 1) / max(small.size - 1, 1))
        grown[small.window.bias.path] = bias
    return grown


def _patches(cell: DrawCell) -> list[_Patch]:
    """The patch that is read, beside that of the error, and the patch that is written."""
    written = [(cell.write_patch.kernel, 1, 1), (cell.write_patch.bias, 0, 1)]
    return [
        _Patch(cell.read_size, cell.read_window, [(cell.encoder.kernel, 0, 2)]),
        _Patch(cell.write_size, cell.write_window, written),
    ]


def _with_margin(
    weight: np.ndarray, axis: int, patches: int, size: int, margin: int, channels: int
) -> np.ndarray:
    """Zeros around the patches along an axis, each P * C * P; what follows them is kept."""
    weight = np.moveaxis(weight, axis, 0)
    pixels, rest = np.split(weight, [patches * size * channels * size])
    pixels = pixels.reshape(patches, size, channels, size, *weight.shape[1:])
    around = [(0, 0)] * pixels.ndim
    around[1] = around[3] = (margin, margin)
    pixels = np.pad(pixels, around).reshape(-1, *weight.shape[1:])
    return np.moveaxis(np.concatenate([pixels, rest]), 0, axis)
