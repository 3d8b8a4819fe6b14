"""Handwritten digits 28x28, white on black, divided by writer: MNIST or its replacement.

MNIST is used if Keras has it or can download it at once. Otherwise, the 1,797 digits of 8x8 pixels
that come with scikit-learn are enlarged: fewer and blurrier, but real and always available.
"""

import contextlib
import os
import socket
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 28  # of a digit, pixels
URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"  # Keras' own
TIMEOUT = 3.0  # seconds without an answer, after which a download is given up

Pool = tuple[np.ndarray, np.ndarray]  # pictures uint8 [n, 28, 28], labels int [n]


@dataclass(frozen=True)
class Digits:
    """Digits in pools "train", "val" and "test" that share no writer, and their origin."""

    origin: str
    pools: Mapping[str, Pool]

    @cached_property
    def _by_label(self) -> Mapping[tuple[str, int], np.ndarray]:
        return {
            (pool, label): np.flatnonzero(labels == label)
            for pool, (_, labels) in self.pools.items()
            for label in range(10)
        }

    def sample(self, random: np.random.Generator, pool: str, label: int) -> np.ndarray:
        """A random picture of a label, uint8 [28, 28]."""
        indices = self._by_label[pool, label]
        return self.pools[pool][0][indices[random.integers(len(indices))]]


def load_digits() -> Digits:
    """MNIST if it is available, otherwise scikit-learn's digits; prints which."""
    digits = load_mnist() or load_sklearn_digits()
    print(f"Digits: {digits.origin}.")
    return digits


def load_mnist() -> Digits | None:
    """MNIST's 70,000 digits from Keras' cache or its download; None if both fail."""
    if not (keras_cache() / "mnist.npz").is_file() and not can_download():
        return None
    import keras  # takes seconds: only if it is needed

    try:
        with socket_timeout(TIMEOUT):
            (pictures, labels), test = keras.datasets.mnist.load_data()
    except Exception:  # urllib, zipfile and NumPy each raise their own for a failed download
        return None
    return divide("keras.datasets.mnist", pictures, labels, test)


def load_sklearn_digits() -> Digits:
    """The test part of "Optical Recognition of Handwritten Digits", enlarged to 28x28.

    The digits are in the order in which thirteen people wrote them, so consecutive pools share at
    most the writer at their border.
    """
    from sklearn.datasets import load_digits as load

    data = load()
    pictures = np.stack([enlarge(picture) for picture in data.images])
    cut = len(pictures) * 4 // 5
    test = pictures[cut:], data.target[cut:]
    return divide(
        "sklearn.datasets.load_digits, 8x8 to 28x28", pictures[:cut], data.target[:cut], test
    )


def divide(origin: str, pictures: np.ndarray, labels: np.ndarray, test: Pool) -> Digits:
    """Pools; `val` is the last tenth of what is not `test`: the digits are ordered by writer."""
    cut = len(pictures) * 9 // 10
    train, val = (pictures[:cut], labels[:cut]), (pictures[cut:], labels[cut:])
    return Digits(origin, {"train": train, "val": val, "test": test})


def enlarge(picture: np.ndarray) -> np.ndarray:
    """A digit of 8x8 values from 0 to 16 as uint8 [28, 28]: 20 pixels and a margin, as in MNIST."""
    small = Image.fromarray(np.uint8(np.round(picture * (255 / 16))))
    return np.pad(np.asarray(small.resize((20, 20), Image.Resampling.BICUBIC)), 4)


def keras_cache() -> Path:
    """The folder of Keras' downloads."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"


def can_download() -> bool:
    """Whether the server answers before the timeout; a blocked network would hang for minutes."""
    try:
        with urllib.request.urlopen(urllib.request.Request(URL, method="HEAD"), timeout=TIMEOUT):
            return True
    except OSError:  # the base class of urllib's errors
        return False


@contextlib.contextmanager
def socket_timeout(seconds: float):
    """Limits the time that a new socket waits for an answer; urllib has no limit by default."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
