"""The weights of the authors' alignDRAW: arrays by the names of their code, put into a model.

V words, L units of a caption LSTM, A of the alignment, E and D of the inference and the generative
LSTM, Z latent units, X values of an image, R and P sides of the patches, C channels:

    W_y_hLangEnc, W_yRev_hLangEncRev                    V x 4L    one-hot words into the gates
    W_hLangEnc_hLangEnc, W_hLangEncRev_hLangEncRev      L x 4L    b_hLangEnc, b_hLangEncRev
    W_lang_align 2L x A, W_hdec_align D x A, b_align, v_align     alignment
    W_inp_henc (2 C R^2 + D) x 4E, W_henc_henc, b_henc            inference; gates i, f, g, o
    W_henc_mu, W_henc_logsigma  E x Z, b_mu, b_logsigma           posterior
    W_hdec_mu_and_logsigma_prior D x 2Z and its b_...             prior
    W_z_hdec Z x 4D, W_s_hdec 2L x 4D, W_hdec_hdec, b_hdec        generation
    W_hdec_read_attent, W_hdec_write_attent  D x 5, b_...         windows
    W_hdec_c D x C P^2, b_c                                       patch; planar, channel by channel
    h0_lang, h0_enc, h0_dec, c0 1 x X                             learned initial states

The number of drawing steps is in none of them.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from t2i_tf.authors.array_files import read_named
from t2i_tf.authors.dictionary import Dictionary
from t2i_tf.config import DrawConfig
from t2i_tf.errors import UserError
from t2i_tf.models import AlignDRAW
from t2i_tf.text.vocabulary import PAD, UNKNOWN, Vocabulary

Arrays = Mapping[str, np.ndarray]


class Sizes(NamedTuple):
    """The sizes that the shapes of the arrays give; letters as above."""

    words: int
    caption_units: int
    align_units: int
    encoder_units: int
    decoder_units: int
    latent_units: int
    read_size: int
    write_size: int
    side: int  # of the square image, pixels
    channels: int


class AuthorsWeights(NamedTuple):
    """Checked arrays, and what else the file held."""

    path: Path
    arrays: Arrays  # float32; vectors of one dimension
    sizes: Sizes
    left_out: tuple[str, ...]  # names of other arrays in the file

    @property
    def count(self) -> int:
        """Number of weights."""
        return sum(array.size for array in self.arrays.values())


def read_weights(path: Path) -> AuthorsWeights:
    """The weights of a file: HDF5 as the authors' code writes it, npz, or a pickled dict.

    Raises:
        UserError: the file cannot be read, lacks an array, or has one of another shape or with
            values that are no numbers.
    """
    found = read_named(path)
    missing = [name for name in _SHAPES if name not in found]
    if missing:
        raise UserError(
            f"{path}: expected the {len(_SHAPES)} arrays of the authors' alignDRAW, got"
            f" {len(_SHAPES) - len(missing)} of them; {_few(missing)} missing. Other names in the"
            f" file: {', '.join(sorted(found.keys() - _SHAPES.keys())[:5]) or 'none'}."
        )
    arrays = {name: _numbers(path, name, found[name]) for name in _SHAPES}
    sizes = _sizes(path, arrays)
    for name, shape in _SHAPES.items():
        expected = tuple(shape(sizes))
        if arrays[name].shape != expected:
            raise UserError(
                f"{path}: expected {name} with the shape {expected}, as the other arrays have it,"
                f" got {arrays[name].shape}."
            )
    left_out = tuple(sorted(found.keys() - _SHAPES.keys()))
    return AuthorsWeights(path, arrays, sizes, left_out)


def check_dictionary(weights: AuthorsWeights, dictionary: Dictionary) -> None:
    """Check that a dictionary is that of the weights; the authors' MNIST has one row to spare.

    Raises:
        UserError: the ids and the rows differ.
    """
    rows, last = weights.sizes.words, max(dictionary.ids.values())
    if not last + 1 <= rows <= last + 2:
        raise UserError(
            f"{weights.path} has rows for {rows:,} words, but the last id of {dictionary.name} is"
            f" {last:,}: expected {last + 1:,} rows. Give the dictionary of these weights with"
            " --dictionary."
        )


def model_config(weights: AuthorsWeights, vocabulary: Vocabulary, steps: int) -> DrawConfig:
    """The config of the model that the weights are put into.

    Args:
        weights: from `read_weights`.
        vocabulary: words of the model.
        steps: T, which the weights do not tell.
    """
    sizes = weights.sizes
    return DrawConfig(
        conditioning="align",
        height=sizes.side,
        width=sizes.side,
        channels=sizes.channels,
        vocabulary_size=len(vocabulary),
        steps=steps,
        embedding_units=8 * sizes.caption_units,  # the gates of both LSTMs
        caption_units=sizes.caption_units,
        align_units=sizes.align_units,
        encoder_units=sizes.encoder_units,
        decoder_units=sizes.decoder_units,
        latent_units=sizes.latent_units,
        read_size=sizes.read_size,
        write_size=sizes.write_size,
        initial_canvas=0.0 if sizes.channels == 3 else -10.0,
        learned_canvas=True,
        window="authors",
        caption_reader="authors",
    )


def assign_weights(
    model: AlignDRAW, weights: AuthorsWeights, vocabulary: Vocabulary, dictionary: Dictionary
) -> None:
    """Put the weights into a model of `model_config`."""
    _assign_words(model, weights, vocabulary, dictionary)
    w, cell = weights.arrays, model.cell
    align = cell.conditioner
    align.key.set_weights([w["W_lang_align"], w["b_align"]])
    align.query.set_weights([w["W_hdec_align"]])
    align.score.assign(w["v_align"][:, None])
    cell.encoder.set_weights([_read_rows(weights), w["W_henc_henc"], w["b_henc"]])
    drawn = np.concatenate([w["W_z_hdec"], w["W_s_hdec"]])
    cell.decoder.set_weights([drawn, w["W_hdec_hdec"], w["b_hdec"]])
    cell.posterior_head.set_weights(
        [
            np.concatenate([w["W_henc_mu"], w["W_henc_logsigma"]], axis=1),
            np.concatenate([w["b_mu"], w["b_logsigma"]]),
        ]
    )
    prior = "mu_and_logsigma_prior"
    cell.prior_head.set_weights([w[f"W_hdec_{prior}"], w[f"b_{prior}"]])
    cell.read_window.set_weights([w["W_hdec_read_attent"], w["b_read_attent"]])
    cell.write_window.set_weights([w["W_hdec_write_attent"], w["b_write_attent"]])
    cell.write_patch.set_weights([_write_columns(weights, w[name]) for name in ("W_hdec_c", "b_c")])
    side, channels = weights.sizes.side, weights.sizes.channels
    cell.empty_canvas.assign(w["c0"].reshape(channels, side, side).transpose(1, 2, 0))
    encoder_h, encoder_c, decoder_h, decoder_c = cell.initial
    encoder_h.assign(w["h0_enc"])
    decoder_h.assign(w["h0_dec"])
    for cells in (encoder_c, decoder_c):  # which the authors do not learn
        cells.assign(np.zeros(cells.shape))


def _assign_words(
    model: AlignDRAW, weights: AuthorsWeights, vocabulary: Vocabulary, dictionary: Dictionary
) -> None:
    """One-hot words into the gates, as an embedding of all gates with identity input kernels.

    The embedding has the gates of both LSTMs side by side; each takes its half.
    """
    w, reader = weights.arrays, model.caption_encoder
    tables = np.concatenate([w["W_y_hLangEnc"], w["W_yRev_hLangEncRev"]], axis=1)
    reader.embedding.set_weights([_word_rows(tables, vocabulary, dictionary)])
    identity = np.eye(4 * weights.sizes.caption_units, dtype=np.float32)
    nothing = np.zeros_like(identity)
    first, second = reader.lstm.first, reader.lstm.second
    recurrent = w["W_hLangEnc_hLangEnc"], w["W_hLangEncRev_hLangEncRev"]
    first.set_weights([np.concatenate([identity, nothing]), recurrent[0], w["b_hLangEnc"]])
    second.set_weights([np.concatenate([nothing, identity]), recurrent[1], w["b_hLangEncRev"]])
    reader.lstm.initial.assign(w["h0_lang"])


def _word_rows(table: np.ndarray, vocabulary: Vocabulary, dictionary: Dictionary) -> np.ndarray:
    """The authors' rows in the order of a vocabulary.

    Words that the dictionary lacks have the row of its unknown word, or where there is none the
    mean of all words (our choice). Padding, which is never read, has zeros.
    """
    unknown = dictionary.unknown
    known = list(dictionary.ids.values())
    fallback = table[known].mean(axis=0) if unknown is None else table[unknown]
    rows = np.empty((len(vocabulary), table.shape[1]), np.float32)
    rows[PAD], rows[UNKNOWN] = 0.0, fallback
    for k, word in enumerate(vocabulary.entries[UNKNOWN + 1 :], UNKNOWN + 1):
        id = dictionary.id_of(word)
        rows[k] = fallback if id is None else table[id]
    return rows


def _read_rows(weights: AuthorsWeights) -> np.ndarray:
    """Rows of the inference kernel: from channel, row, column of a patch to row, channel, column.

    Image and error image, one after the other; the generative LSTM's state follows.
    """
    kernel, channels = weights.arrays["W_inp_henc"], weights.sizes.channels
    side = weights.sizes.read_size
    patches = 2 * channels * side**2
    reordered = kernel[:patches].reshape(2, channels, side, side, -1).swapaxes(1, 2)
    return np.concatenate([reordered.reshape(patches, -1), kernel[patches:]])


def _write_columns(weights: AuthorsWeights, array: np.ndarray) -> np.ndarray:
    """Columns of what is written, likewise."""
    side, channels = weights.sizes.write_size, weights.sizes.channels
    reordered = array.reshape(-1, channels, side, side).swapaxes(1, 2)
    return reordered.reshape(array.shape)


_MATRICES = {
    "W_y_hLangEnc": lambda s: (s.words, 4 * s.caption_units),
    "W_hLangEnc_hLangEnc": lambda s: (s.caption_units, 4 * s.caption_units),
    "W_yRev_hLangEncRev": lambda s: (s.words, 4 * s.caption_units),
    "W_hLangEncRev_hLangEncRev": lambda s: (s.caption_units, 4 * s.caption_units),
    "W_lang_align": lambda s: (2 * s.caption_units, s.align_units),
    "W_hdec_align": lambda s: (s.decoder_units, s.align_units),
    "W_s_hdec": lambda s: (2 * s.caption_units, 4 * s.decoder_units),
    "W_hdec_read_attent": lambda s: (s.decoder_units, 5),
    "W_henc_henc": lambda s: (s.encoder_units, 4 * s.encoder_units),
    "W_inp_henc": lambda s: (
        2 * s.channels * s.read_size**2 + s.decoder_units,
        4 * s.encoder_units,
    ),
    "W_henc_mu": lambda s: (s.encoder_units, s.latent_units),
    "W_henc_logsigma": lambda s: (s.encoder_units, s.latent_units),
    "W_hdec_hdec": lambda s: (s.decoder_units, 4 * s.decoder_units),
    "W_z_hdec": lambda s: (s.latent_units, 4 * s.decoder_units),
    "W_hdec_write_attent": lambda s: (s.decoder_units, 5),
    "W_hdec_c": lambda s: (s.decoder_units, s.channels * s.write_size**2),
    "W_hdec_mu_and_logsigma_prior": lambda s: (s.decoder_units, 2 * s.latent_units),
}
_VECTORS = {
    "b_hLangEnc": lambda s: (4 * s.caption_units,),
    "b_hLangEncRev": lambda s: (4 * s.caption_units,),
    "b_align": lambda s: (s.align_units,),
    "v_align": lambda s: (s.align_units,),
    "b_read_attent": lambda s: (5,),
    "b_henc": lambda s: (4 * s.encoder_units,),
    "b_mu": lambda s: (s.latent_units,),
    "b_logsigma": lambda s: (s.latent_units,),
    "b_hdec": lambda s: (4 * s.decoder_units,),
    "b_write_attent": lambda s: (5,),
    "b_c": lambda s: (s.channels * s.write_size**2,),
    "b_mu_and_logsigma_prior": lambda s: (2 * s.latent_units,),
    "h0_lang": lambda s: (s.caption_units,),
    "h0_enc": lambda s: (s.encoder_units,),
    "h0_dec": lambda s: (s.decoder_units,),
    "c0": lambda s: (s.channels * s.side**2,),
}
_SHAPES = _MATRICES | _VECTORS


def _numbers(path: Path, name: str, value: Any) -> np.ndarray:
    """An array as float32, a vector in one dimension; the authors have some as a single row."""
    array = np.asarray(value) if isinstance(value, np.ndarray | np.generic) else None
    if array is None or array.dtype.kind not in "fiu":
        kind = type(value).__name__ if array is None else array.dtype
        raise UserError(f"{path}: expected {name} as an array of numbers, got {kind}.")
    if not array.size:
        raise UserError(f"{path}: expected {name} with values, got the shape {array.shape}.")
    with np.errstate(over="ignore"):
        values = np.asarray(array, np.float32)
    if not np.isfinite(values).all():
        raise UserError(
            f"{path}: expected finite numbers of float32 in {name}, got some that are not."
        )
    is_row = name in _VECTORS and values.ndim == 2 and len(values) == 1
    return np.ascontiguousarray(values[0] if is_row else values)


def _sizes(path: Path, arrays: Arrays) -> Sizes:
    for name, array in arrays.items():
        dimensions = 2 if name in _MATRICES else 1
        if array.ndim != dimensions:
            raise UserError(
                f"{path}: expected {name} with {dimensions} dimension{'s' * (dimensions > 1)}, got"
                f" the shape {array.shape}."
            )
    side, channels = image_sides(arrays["c0"].size) or (0, 0)
    if not side:
        raise UserError(
            f"{path}: expected c0 with the values of a square image, grey or of three channels, got"
            f" {arrays['c0'].size:,}."
        )
    decoder_units = len(arrays["W_hdec_hdec"])
    read = len(arrays["W_inp_henc"]) - decoder_units
    return Sizes(
        words=len(arrays["W_y_hLangEnc"]),
        caption_units=len(arrays["W_hLangEnc_hLangEnc"]),
        align_units=len(arrays["b_align"]),
        encoder_units=len(arrays["W_henc_henc"]),
        decoder_units=decoder_units,
        latent_units=len(arrays["b_mu"]),
        read_size=math.isqrt(max(0, read) // (2 * channels)),
        write_size=math.isqrt(len(arrays["b_c"]) // channels),
        side=side,
        channels=channels,
    )


def image_sides(values: int) -> tuple[int, int] | None:
    """Side and channels of a square image with so many values; None if there is none."""
    for channels in (3, 1):
        side = math.isqrt(values // channels)
        if values and channels * side**2 == values:
            return side, channels
    return None


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 5} more are" if len(names) > 5 else " are" * (len(names) > 1)
    return ", ".join(names[:5]) + (more or " is")
