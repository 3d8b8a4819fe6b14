"""The published skip-thought encoder, read from the files of github.com/ryankiros/skip-thoughts.

    dictionary.txt              one word per line, in the order of the tables' rows
    utable.npy, btable.npy      word vectors of uni-skip and bi-skip, [words, 620]
    uni_skip.npz, bi_skip.npz   the GRUs: encoder_W, _b, _U for both gates, encoder_Wx, _bx, _Ux for
                                the proposal; encoder_r_... for the backward GRU

The option files beside them (.pkl) are not needed: no pickle is read.
"""

from pathlib import Path

import numpy as np

from t2i_tf.errors import UserError, first_line
from t2i_tf.files import DAMAGE
from t2i_tf.sentence_encoder.encoder import SkipThoughtEncoder, finite
from t2i_tf.text.vocabulary import UNKNOWN, Vocabulary

FILES = ("dictionary.txt", "utable.npy", "btable.npy", "uni_skip.npz", "bi_skip.npz")
UNKNOWN_WORD = "UNK"
_SOURCE = "http://www.cs.toronto.edu/~rkiros/models/"


def is_published(folder: Path) -> bool:
    """Whether a folder contains any of the published files."""
    return any((Path(folder) / name).exists() for name in FILES)


def load_published(folder: Path, vocabulary: Vocabulary) -> SkipThoughtEncoder:
    """The published encoder, restricted to the words of a vocabulary.

    A word that is missing from the published dictionary has the vector of its unknown word, `UNK`,
    as in the authors' code. Captions are split by `Tokenizer` into lower-case words; the authors
    use NLTK's tokenizer and keep capitals. The tables, several GB, are memory-mapped.

    Raises:
        UserError: a file is missing or has another layout.
    """
    folder = Path(folder)
    _check_files(folder)
    try:
        dictionary = (folder / "dictionary.txt").read_bytes().decode().split("\n")
        tables = {
            part: _table(folder / f"{part[0]}table.npy", dictionary) for part in ("uni", "bi")
        }
        rows = _rows(dictionary, vocabulary)
        arrays = {
            f"{part}_words/embeddings": finite(f"{part[0]}table.npy", table[rows])
            for part, table in tables.items()
        }
        with np.load(folder / "uni_skip.npz") as uni, np.load(folder / "bi_skip.npz") as bi:
            arrays |= _gru("uni", uni, "encoder")
            arrays |= _gru("forward", bi, "encoder") | _gru("backward", bi, "encoder_r")
        return SkipThoughtEncoder(vocabulary, arrays)
    except DAMAGE as error:
        raise UserError(
            f"{folder} cannot be read as the published skip-thought files: {first_line(error)}. "
            f"Copy them again from {_SOURCE}."
        ) from None


def _check_files(folder: Path) -> None:
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise UserError(
            f"{folder} lacks {', '.join(missing)} of the published skip-thought files. Download "
            f"them, each by its name, from {_SOURCE} (see Ryan Kiros' skip-thoughts repository)."
        )


def _rows(dictionary: list[str], vocabulary: Vocabulary) -> list[int]:
    """The row of the tables for each id of the vocabulary."""
    row_of = {word.strip(): row for row, word in enumerate(dictionary)}
    unknown = row_of[UNKNOWN_WORD]
    return [unknown] * (UNKNOWN + 1) + [
        row_of.get(word, unknown) for word in vocabulary.entries[UNKNOWN + 1 :]
    ]


def _table(path: Path, dictionary: list[str]) -> np.ndarray:
    table = np.load(path, mmap_mode="r")
    if len(dictionary) < len(table):
        raise ValueError(f"{path.name} has {len(table):,} rows, but dictionary.txt has fewer words")
    return table


def _gru(name: str, archive, prefix: str) -> dict[str, np.ndarray]:
    """A GRU's weights in Keras' order: update, reset, proposal. Published: reset, update."""
    gates = {part: archive[f"{prefix}_{part}"] for part in ("W", "b", "U")}
    swapped = {part: np.concatenate(_halves(array)[::-1], axis=-1) for part, array in gates.items()}
    bias = np.concatenate([swapped["b"], archive[f"{prefix}_bx"]])
    weights = {
        "kernel": np.concatenate([swapped["W"], archive[f"{prefix}_Wx"]], axis=1),
        "recurrent_kernel": np.concatenate([swapped["U"], archive[f"{prefix}_Ux"]], axis=1),
        "bias": np.stack([bias, np.zeros_like(bias)]),
    }
    return {f"{name}/{key}": finite(f"{name}_skip", array) for key, array in weights.items()}


def _halves(array: np.ndarray) -> list[np.ndarray]:
    return np.split(array, 2, axis=-1)
