"""Handwritten digits 28x28, white on black, divided by writer: MNIST, or what stands in for it.

MNIST is taken where Keras has it or can fetch it at once. Without it, the 1,797 digits of 8x8
pixels that scikit-learn carries are enlarged: fewer and softer, but real and always there.
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

SIDE = 28  # pixels
URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"  # Keras' own
PATIENCE = 3.0  # seconds without an answer, after which a download is given up

Pool = tuple[np.ndarray, np.ndarray]  # pictures uint8 [n, 28, 28], labels int [n]


@dataclass(frozen=True)
class Digits:
    """Digits in pools "train", "val" and "test" that share no writer, and where they come from."""

    origin: str
    pools: Mapping[str, Pool]

    @cached_property
    def _by_label(self) -> Mapping[tuple[str, int], np.ndarray]:
        return {
            (pool, label): np.flatnonzero(labels == label)
            for pool, (_, labels) in self.pools.items()
            for label in range(10)
        }

    def draw(self, random: np.random.Generator, pool: str, label: int) -> np.ndarray:
        """A random picture of a label, uint8 [28, 28]."""
        places = self._by_label[pool, label]
        return self.pools[pool][0][places[random.integers(len(places))]]


def load_digits() -> Digits:
    """MNIST where it can be had, else scikit-learn's digits; prints which."""
    digits = load_mnist() or load_sklearn_digits()
    print(f"Digits: {digits.origin}.")
    return digits


def load_mnist() -> Digits | None:
    """MNIST's 70,000 digits from Keras' cache or its download; None where neither gives them."""
    if not (keras_cache() / "mnist.npz").is_file() and not can_download():
        return None
    import keras  # seconds: only where it is of use

    try:
        with socket_timeout(PATIENCE):
            (pictures, labels), test = keras.datasets.mnist.load_data()
    except Exception:  # urllib, zip and NumPy each have their own for a download that failed
        return None
    return divide("keras.datasets.mnist", pictures, labels, test)


def load_sklearn_digits() -> Digits:
    """The test part of "Optical Recognition of Handwritten Digits", enlarged to 28x28.

    The digits stand in the order in which thirteen people wrote them, so pools that are cut from
    it in one piece share a writer at most where they meet.
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
    """Pools of which val is the last tenth of what is not test: the writers come one by one."""
    cut = len(pictures) * 9 // 10
    train, val = (pictures[:cut], labels[:cut]), (pictures[cut:], labels[cut:])
    return Digits(origin, {"train": train, "val": val, "test": test})


def enlarge(picture: np.ndarray) -> np.ndarray:
    """A digit of 8x8 values from 0 to 16 as uint8 [28, 28]: 20 pixels and a margin, as MNIST's."""
    small = Image.fromarray(np.uint8(np.round(picture * (255 / 16))))
    return np.pad(np.asarray(small.resize((20, 20), Image.Resampling.BICUBIC)), 4)


def keras_cache() -> Path:
    """The folder where Keras keeps what it downloads."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"


def can_download() -> bool:
    """Whether the server answers within our patience: a blocked network else holds for minutes."""
    try:
        with urllib.request.urlopen(urllib.request.Request(URL, method="HEAD"), timeout=PATIENCE):
            return True
    except OSError:  # urllib's own errors are kinds of it
        return False


@contextlib.contextmanager
def socket_timeout(seconds: float):
    """Sets the time that a new socket waits for an answer, which urllib leaves endless."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
