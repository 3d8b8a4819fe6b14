"""Preset folders: a trained model as it is shared, without its optimizer and its history.

    config.json           the settings of the training, as in a work folder
    vocabulary.txt        a line for each word, as in a work folder
    model.weights.h5      weights in Keras's layout; float32, or float16 to be half as large
    sentence_encoder.npz  only where the model reads sentence vectors
    metadata.json         format, system, step, dtype, number of weights and SHA-256 of their file,
                          version of Keras, and where they are known `share_done`, 1 for a training
                          that was finished, and `data`: their source, and how pictures were resized

h5py and any text editor read them without this project.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import h5py
import keras
import msgspec
import numpy as np

from t2i_tf.checkpoints import SENTENCE_ENCODER, check_vocabulary, read_config, write_config
from t2i_tf.config import TrainConfig
from t2i_tf.errors import UsageError, UserError
from t2i_tf.files import disk_trouble, file_sha256, scratch_folder
from t2i_tf.json_files import read_json, write_json
from t2i_tf.sentence_encoder.encoder import SentenceEncoder, load_encoder
from t2i_tf.text.vocabulary import Vocabulary

CONFIG = "config.json"
VOCABULARY = "vocabulary.txt"
WEIGHTS = "model.weights.h5"
METADATA = "metadata.json"
FILES = (CONFIG, VOCABULARY, SENTENCE_ENCODER, METADATA, WEIGHTS)  # the weights come last
_ANY_FORMAT = "t2i-tf preset "
FORMAT = f"{_ANY_FORMAT}1"

DATA_MANIFEST = "data.json"  # in a work folder: the manifest of the data of its training
SAVE_AGAIN = "Save, copy or download it again."
COPY_AGAIN = "It is a copy of the manifest.json of the training's data folder: copy that again."
_DATA_FACTS = ("source", "filter", "crop", "background")  # its entries that a preset keeps

Dtype = Literal["float32", "float16"]


class Parts(NamedTuple):
    """What a trained model consists of besides its weights."""

    config: TrainConfig
    vocabulary: Vocabulary
    encoder: SentenceEncoder | None  # where the model reads sentence vectors
    step: int  # of the training
    data: Mapping[str, str] = MappingProxyType({})  # see `read_data_facts`
    share_done: float | None = None  # of the training, 0 to 1; None where it is not known


def is_preset(folder: Path) -> bool:
    """Whether a folder has the files of a preset."""
    # `Path.is_file` raises an error where the folder cannot be searched; this is False there.
    return all(os.path.isfile(folder / name) for name in (WEIGHTS, CONFIG))


def check_whole(folder: Path) -> None:
    """Raise UserError for a folder that has some of a preset's files, but not all."""
    missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if missing and (folder / METADATA).is_file():
        raise UserError(
            f"{folder} is no whole preset: it has no {' and no '.join(missing)}. {SAVE_AGAIN}"
        )


def read_parts(folder: Path) -> Parts:
    """All of a preset but its weights.

    Raises:
        UserError: a file is missing or malformed, or the format is that of a later version.
    """
    path = folder / METADATA
    found = read_json(path, dict[str, Any], SAVE_AGAIN).get("format")
    if found != FORMAT:
        newer = " A newer version of t2i-tf may read it." if _is_ours(found) else ""
        raise UserError(f"{path}: expected the format {FORMAT!r}, got {found!r}.{newer}")
    metadata = read_json(path, _Metadata, SAVE_AGAIN)
    _check_weights(folder / WEIGHTS, metadata.sha256)
    config = read_config(folder)
    vocabulary = Vocabulary.load(folder / VOCABULARY)
    check_vocabulary(folder, vocabulary, config)
    encoder = load_encoder(folder / SENTENCE_ENCODER) if config.reads_sentences else None
    return Parts(
        config, vocabulary, encoder, metadata.step, read_data_facts(folder), metadata.share_done
    )


class _Metadata(msgspec.Struct):
    """The entries of `metadata.json` that are read again."""

    step: int = 0
    share_done: float | None = None
    data: dict[str, Any] = {}
    sha256: str = ""  # of the weights; "" in presets from before it was kept


def has_our_format(folder: Path) -> bool:
    """Whether a folder says that it is a preset of this project, of whatever version."""
    try:
        found = read_json(folder / METADATA, dict[str, Any]).get("format")
    except UserError:
        return False
    return _is_ours(found)


def weights_are_damaged(folder: Path) -> bool:
    """Whether the weights of a preset are not those that it was written with."""
    try:
        expected = read_json(folder / METADATA, _Metadata).sha256
    except UserError:
        return False
    return _differs(folder / WEIGHTS, expected)


def _differs(path: Path, sha256: str) -> bool:
    try:
        return bool(sha256) and path.is_file() and file_sha256(path) != sha256
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None


def _is_ours(found: Any) -> bool:
    return str(found).startswith(_ANY_FORMAT)


def _check_weights(path: Path, expected: str) -> None:
    """Raise UserError for weights that have changed since they were written."""
    if _differs(path, expected):
        raise UserError(
            f"{path} is damaged, or was changed: its SHA-256 is not that of {METADATA}. Copy or"
            f" download it again; or, if it was changed on purpose, delete sha256 from {METADATA}."
        )


def read_data_facts(folder: Path) -> dict[str, str]:
    """What a preset or a work folder says of the data of its training; {} if it says nothing.

    Returns:
        `source` as in a data folder's manifest; `filter`, `crop` and `background` are how `prepare`
        resized the pictures.

    Raises:
        UserError: the file that says it is damaged.
    """
    if is_preset(folder):
        facts = read_json(folder / METADATA, _Metadata, SAVE_AGAIN).data
    elif (folder / DATA_MANIFEST).exists():
        facts = read_json(folder / DATA_MANIFEST, dict[str, Any], COPY_AGAIN)
    else:
        facts = {}
    return {name: facts[name] for name in _DATA_FACTS if name in facts}


def write_preset(
    folder: Path, parts: Parts, network: keras.Model, save_weights: Callable, dtype: Dtype
) -> None:
    """Write a preset folder; an interruption leaves the preset before it, or none.

    Args:
        folder: created if it is missing; a preset that is there is replaced.
        parts: all but the weights.
        network: the model, for its title and the number of its weights.
        save_weights: writes the weights to a path that ends in `.weights.h5`.
        dtype: of the weights in the file.

    Raises:
        UsageError: another dtype than float32 or float16.
        UserError: the folder holds something else, it cannot be written, or a weight is too large
            for float16.
    """
    if dtype not in ("float32", "float16"):
        raise UsageError(f"Expected the dtype float32 or float16, got {dtype!r}.")
    try:
        _check_target(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(folder.parent, f".{folder.name}.unfinished-") as made:
            write_config(made, parts.config)
            parts.vocabulary.save(made / VOCABULARY)
            if parts.encoder is not None:
                parts.encoder.save(made / SENTENCE_ENCODER)
            save_weights(made / WEIGHTS)
            if dtype == "float16":
                _halve(made / WEIGHTS)
            metadata = _metadata(network, parts, dtype)
            write_json(made / METADATA, metadata | {"sha256": file_sha256(made / WEIGHTS)})
            _move(made, folder)
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {disk_trouble(error) or error}.") from error


def _check_target(folder: Path) -> None:
    """Refuse a folder with other files than those of a preset, such as a work folder."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / METADATA).is_file():
        raise UserError(
            f"{folder} holds other files than those of a preset, and they would be mixed. Name a "
            "new folder."
        )


def _metadata(network: keras.Model, parts: Parts, dtype: Dtype) -> dict[str, Any]:
    known = {"data": dict(parts.data)} if parts.data else {}
    if parts.share_done is not None:
        known["share_done"] = round(parts.share_done, 4)
    return known | {
        "format": FORMAT,
        "system": network.title,
        "step": parts.step,
        "dtype": dtype,
        "weights": int(network.count_params()),
        "keras_version": keras.__version__,
    }


def _move(made: Path, folder: Path) -> None:
    """Move the files of a preset to their folder, which is no preset until the last is there."""
    folder.mkdir(exist_ok=True)
    for name in reversed(FILES):
        (folder / name).unlink(missing_ok=True)
    for name in FILES:
        if (made / name).exists():
            os.chmod(made / name, 0o644)
            os.replace(made / name, folder / name)


def _halve(path: Path) -> None:
    """Rewrite a file of weights with float16 for float32."""
    half = path.with_suffix(".half")
    with h5py.File(path) as source, h5py.File(half, "w") as target:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                made = target.require_group(name)
            else:
                made = target.create_dataset(name, data=_as_half(name, item[()]))
            made.attrs.update(item.attrs)

        source.visititems(copy)
    os.replace(half, path)


def _as_half(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype != np.float32:
        return array
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    if np.isfinite(array).all() and not np.isfinite(half).all():
        raise UserError(
            f"The weight {name} has values beyond float16's 65,504: {np.abs(array).max():g}. Save "
            "it with the dtype float32."
        )
    return half
