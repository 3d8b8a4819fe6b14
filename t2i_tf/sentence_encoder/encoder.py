"""Sentence encoders: captions to vectors."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import tensorflow as tf

from t2i_tf.errors import UserError, first_line
from t2i_tf.files import DAMAGE, write_atomically
from t2i_tf.sentence_encoder.skip_thought_layer import SkipThoughtLayer
from t2i_tf.text.tokenizer import Tokenizer
from t2i_tf.text.vocabulary import UNKNOWN, Vocabulary, read_header

_MAX_WORDS = 1_000  # longer captions are cut
_FORMAT = "skip-thought 1"


class SentenceEncoder(Protocol):
    """The contract of sentence encoders: a `tf.Module` of core TensorFlow operations."""

    units: int
    """Width of the vectors, D."""
    fingerprint: str
    """SHA-256 of all that determines the vectors, except their standardization."""
    vocabulary: Vocabulary
    """The words that it knows."""

    def __call__(self, captions: tf.Tensor) -> tf.Tensor:
        """Captions string [B] to vectors float32 [B, D], each independent of the batch."""
        ...

    def standardized(self, captions: np.ndarray) -> "SentenceEncoder":
        """This encoder with outputs of mean 0 and deviation 1 over the given captions."""
        ...

    def save(self, path: Path) -> None:
        """Write the encoder to a file that `load_encoder` reads."""
        ...


class SkipThoughtEncoder(tf.Module):
    """Skip-thought vectors of captions.

    Skip-thought vectors have small entries that differ little between the captions of a data set.
    `standardized` therefore subtracts the mean and divides by the deviation (our choice), so that
    the differences are as large as a model's noise.

    Args:
        vocabulary: the encoder's words; all others are read as the unknown word.
        arrays: the weights by the names of `weight_names`; also `mean` and `deviation` [D] if the
            vectors are standardized.

    Raises:
        KeyError, ValueError: an array is missing, has another shape, or values that are no numbers.
    """

    def __init__(self, vocabulary: Vocabulary, arrays: dict[str, np.ndarray]):
        super().__init__(name="skip_thought_encoder")
        arrays = {name: finite(name, array) for name, array in arrays.items()}
        words, width = arrays["uni_words/embeddings"].shape
        layer = SkipThoughtLayer(
            words,
            width,
            len(arrays["forward/recurrent_kernel"]),
            dtype="float32",
            name="skip_thought",
        )
        layer.set_weights([arrays[name] for name in weight_names(layer)])
        self.vocabulary = _known(vocabulary, arrays["uni_words/embeddings"])
        self._rows, self.arrays = vocabulary, arrays
        self.units = 4 * layer.units
        self.tokenizer = Tokenizer(vocabulary, _MAX_WORDS)
        self.weights = [
            weight.value for weight in layer.weights
        ]  # tracked, so that a session finds them
        self.mean = tf.constant(arrays.get("mean", 0.0), tf.float32, [self.units])
        self.deviation = tf.constant(arrays.get("deviation", 1.0), tf.float32, [self.units])
        self.fingerprint = _fingerprint(vocabulary, [arrays[n] for n in weight_names(layer)])
        self._layer = layer

    def __call__(self, captions: tf.Tensor) -> tf.Tensor:
        """Captions string [B] to vectors float32 [B, D].

        A caption without words has the zero vector before standardization.
        """
        # A GRU needs at least one step: add padding in case no caption of the batch has a word.
        token_ids = tf.pad(self.tokenizer(captions), [[0, 0], [0, 1]])
        return (self._layer(token_ids) - self.mean) / self.deviation

    def standardized(self, captions: np.ndarray) -> "SkipThoughtEncoder":
        """This encoder with outputs of mean 0 and deviation 1 over captions, bytes [n]."""
        raw = SkipThoughtEncoder(self._rows, self._raw())
        chunks = (captions[k : k + 256] for k in range(0, len(captions), 256))
        vectors = np.concatenate([raw(tf.constant(chunk)).numpy() for chunk in chunks])
        deviation = vectors.std(axis=0)
        moments = {
            "mean": vectors.mean(axis=0),
            "deviation": np.where(deviation > 1e-6, deviation, 1.0).astype(np.float32),
        }
        return SkipThoughtEncoder(self._rows, self._raw() | moments)

    def save(self, path: Path) -> None:
        """Write words and weights to one .npz file, atomically."""
        words = np.array(self._rows.entries, dtype=str)
        content = self.arrays | {"format": np.array(_FORMAT), "words": words}
        if self._rows.header:
            content |= {"header": np.array(self._rows.header)}
        write_atomically(Path(path), lambda file: np.savez(file, **content))

    def _raw(self) -> dict[str, np.ndarray]:
        return {k: v for k, v in self.arrays.items() if k not in ("mean", "deviation")}


def load_encoder(path: Path) -> SentenceEncoder:
    """The encoder saved in a file.

    Raises:
        UserError: the file is missing, damaged or not an encoder.
    """
    try:
        with np.load(path) as archive:
            arrays = {name: archive[name] for name in archive.files}
        if str(arrays.pop("format")) != _FORMAT:
            raise KeyError("format")
        words = tuple(arrays.pop("words").tolist())
        reading = read_header(str(arrays.pop("header", "")), path)
        return SkipThoughtEncoder(Vocabulary(words, (0,) * len(words), *reading), arrays)
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such sentence encoder. Expected a file that training left beside its "
            "checkpoints or its data."
        ) from None
    except DAMAGE as error:
        raise UserError(
            f"{path} cannot be read as a sentence encoder ({first_line(error)}). Expected a file"
            " that training left beside its checkpoints or its data."
        ) from None


def finite(name: str, array: np.ndarray) -> np.ndarray:
    """An array as float32. ValueError for values that are not finite: they spoil every sentence."""
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} has {array.dtype} for numbers")
    with np.errstate(over="ignore"):
        values = array.astype(np.float32, copy=False)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} has values that are infinite or no numbers")
    return values


def weight_names(layer: SkipThoughtLayer) -> list[str]:
    """`uni_words/embeddings`, `forward/kernel` and so on, in the order of the layer's weights."""
    return [weight.path.replace("gru_cell/", "") for weight in layer.weights]


def _known(vocabulary: Vocabulary, vectors: np.ndarray) -> Vocabulary:
    """The words that do not share the vector of the unknown word, as the published encoder's may.

    Args:
        vocabulary: a word for each row of the vectors.
        vectors: float32 [words, P].
    """
    differs = (vectors != vectors[UNKNOWN]).any(axis=1)
    kept = [k for k in range(len(vocabulary)) if k <= UNKNOWN or differs[k]]
    entries, counts = (
        [column[k] for k in kept] for column in (vocabulary.entries, vocabulary.counts)
    )
    return replace(vocabulary, entries=tuple(entries), counts=tuple(counts))


def _fingerprint(vocabulary: Vocabulary, arrays: list[np.ndarray]) -> str:
    digest = hashlib.sha256()
    digest.update("\n".join(vocabulary.entries).encode())
    digest.update(vocabulary.header.encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array, np.float32).tobytes())
    return digest.hexdigest()
