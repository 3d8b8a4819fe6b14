"""Handwritten digits 28x28, white on black, divided by writer: MNIST or its replacement.

MNIST is used if Keras has it or can download it at once. Otherwise, the 1,797 digits of 8x8 pixels
that come with scikit-learn are enlarged: fewer and blurrier, but real and always available. A
folder with the four IDX files of MNIST, as they are published, can be given instead, or the
mnist.h5 of the paper's authors.
"""

import contextlib
import gzip
import math
import os
import re
import socket
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from t2i_tf.authors.array_files import read_named
from t2i_tf.errors import UserError

SIDE = 28  # of a digit, pixels
URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"  # Keras' own
IDX_NAMES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
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


def load_idx_digits(folder: Path) -> Digits:
    """MNIST's digits from its four IDX files, compressed by gzip or not.

    Raises:
        UserError: a file is missing or damaged, or pictures and labels do not belong together.
    """
    files = find_idx_files(folder)
    missing = [name for name in IDX_NAMES if name not in files]
    if missing:
        raise UserError(
            f"{folder}: expected the four IDX files of MNIST, such as"
            f" {missing[0]}-ubyte.gz; missing: {', '.join(missing)}."
        )
    arrays = {name: read_idx(path) for name, path in files.items()}
    pools = []
    for part in ("train", "t10k"):
        pictures, labels = arrays[f"{part}-images-idx3"], arrays[f"{part}-labels-idx1"]
        if pictures.shape[1:] != (SIDE, SIDE) or labels.shape != pictures.shape[:1]:
            raise UserError(
                f"{folder}: expected as many labels as pictures of {SIDE}x{SIDE}, found"
                f" {labels.shape} and {pictures.shape} in the files of {part}."
            )
        if set(range(10)) != {int(label) for label in np.unique(labels)}:
            raise UserError(f"{files[f'{part}-labels-idx1']}: expected every label from 0 to 9.")
        pools.append((pictures, labels.astype(int)))
    (pictures, labels), test = pools
    digits = divide("MNIST's IDX files", pictures, labels, test)
    print(f"Digits: {digits.origin}.")
    return digits


def load_hdf5_digits(path: Path) -> Digits:
    """MNIST's digits from the file that the paper's authors published.

    It has `train`, `validation` and `test` with values from 0 to 1, and `train_labels` and so on.
    Without `test`, the second half of `validation` stands in for it.

    Raises:
        UserError: an array is missing or has another shape, or the file is damaged.
    """
    arrays = read_named(path)
    pools = {
        pool: _hdf5_pool(path, arrays, name)
        for pool, name in (("train", "train"), ("val", "validation"), ("test", "test"))
        if name != "test" or name in arrays
    }
    if "test" not in pools:
        pictures, labels = pools["val"]
        half = len(labels) // 2
        pools |= {"val": (pictures[:half], labels[:half]), "test": (pictures[half:], labels[half:])}
    for pool, (_, labels) in pools.items():
        if set(range(10)) != set(labels.tolist()):
            raise UserError(f"{path}: expected every label from 0 to 9 among the digits of {pool}.")
    digits = Digits("the authors' mnist.h5", pools)
    print(f"Digits: {digits.origin}.")
    return digits


def _hdf5_pool(path: Path, arrays: Mapping[str, np.ndarray], name: str) -> Pool:
    pictures, labels = arrays.get(name), arrays.get(f"{name}_labels")
    if pictures is None or labels is None:
        found = ", ".join(sorted(arrays)) or "none"
        raise UserError(f"{path}: expected the arrays {name} and {name}_labels, got {found}.")
    for array in (pictures, labels):
        is_array = isinstance(array, np.ndarray)
        if not is_array or array.dtype.kind not in "fiub":
            raise UserError(
                f"{path}: expected {name} and {name}_labels as arrays of numbers, got"
                f" {array.dtype if is_array else type(array).__name__}."
            )
    if pictures.shape != (labels.size, SIDE * SIDE) or not labels.size:
        raise UserError(
            f"{path}: expected {name} with the shape (n, {SIDE * SIDE}) and n labels, got"
            f" {pictures.shape} and {labels.shape}."
        )
    if not np.isin(labels, range(10)).all():
        raise UserError(f"{path}: expected labels from 0 to 9 in {name}_labels, got others.")
    if not (pictures.min() >= 0 and pictures.max() <= 1):
        raise UserError(f"{path}: expected values from 0 to 1 in {name}, got others.")
    pixels = np.uint8(np.round(255.0 * pictures)).reshape(-1, SIDE, SIDE)
    return pixels, labels.ravel().astype(int)


def find_hdf5_file(place: Path) -> Path | None:
    """The authors' mnist.h5: a file that was named, or in a folder; None if there is none."""
    path = place / "mnist.h5" if place.is_dir() else place
    return path if path.suffix.lower() in (".h5", ".hdf5") and path.is_file() else None


def find_idx_files(folder: Path) -> dict[str, Path]:
    """The IDX files of a folder by their usual names, however they were renamed."""
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        match = re.fullmatch(
            r"(train|t10k)-(images|labels)[-.]idx([13])(-ubyte)?(\.gz)?", path.name.lower()
        )
        if match and path.is_file():
            found.setdefault(f"{match[1]}-{match[2]}-idx{match[3]}", path)
    return found


def read_idx(path: Path) -> np.ndarray:
    """An IDX file of bytes, uint8; UserError if it is something else, or damaged."""
    try:
        contents = path.read_bytes()
        if contents.startswith(b"\x1f\x8b"):
            contents = gzip.decompress(contents)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read: {error}. Download it again.") from None
    rank = contents[3] if contents[:3] == b"\0\0\x08" and len(contents) > 3 else 0
    start = 4 + 4 * rank  # of the values; the shape is before them
    shape = [int.from_bytes(contents[k : k + 4]) for k in range(4, start, 4)]
    values = np.frombuffer(contents[start:], np.uint8)
    if rank not in (1, 3) or len(contents) < start or len(values) != math.prod(shape):
        raise UserError(f"{path}: expected an IDX file of bytes, complete. Download it again.")
    return values.reshape(shape)


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
