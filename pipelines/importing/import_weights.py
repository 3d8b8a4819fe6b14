"""The authors' weights as a work folder that `generate`, `evaluate` and `export` open."""

import dataclasses
import os
import shutil
from pathlib import Path
from typing import NamedTuple

from pipelines.data.prepared.data_folder import MANIFEST, DataFolder
from pipelines.training.workdir import DATA_MANIFEST
from t2i_tf import checkpoints
from t2i_tf.authors.authors_weights import (
    AuthorsWeights,
    assign_weights,
    check_dictionary,
    model_config,
    read_weights,
)
from t2i_tf.authors.dictionary import (
    DICTIONARY,
    MNIST_DICTIONARY,
    Dictionary,
    is_writable,
    read_dictionary,
)
from t2i_tf.config import TrainConfig
from t2i_tf.errors import UserError
from t2i_tf.files import scratch_folder
from t2i_tf.image_ops import check_same_shape
from t2i_tf.models import build_configured
from t2i_tf.number_ranges import check_flags
from t2i_tf.optimizers import build_optimizer
from t2i_tf.presets import preset
from t2i_tf.text.vocabulary import RESERVED, UNKNOWN, Vocabulary

NAMED = 5  # words that a line names at most


class Imported(NamedTuple):
    """What was imported."""

    weights: AuthorsWeights
    lines: list[str]  # what was taken, guessed and left out, for people


def import_weights(
    weights: Path,
    workdir: Path,
    *,
    dictionary: Path | None = None,
    data: Path | None = None,
    steps: int = 32,
) -> Imported:
    """Make a work folder of the authors' weights, with their window and their caption reader.

    Args:
        weights: HDF5, npz or pickle file with the arrays of their alignDRAW.
        workdir: Work folder to make, all at once.
        dictionary: Their pickled dictionary; by default dictionary.pkl beside the weights, or the
            22 words of MNIST for weights of grey pictures.
        data: Data folder whose vocabulary the model gets, so that `evaluate` can use both; by
            default the vocabulary is the dictionary.
        steps: Drawing steps, which the weights do not tell.

    Raises:
        UserError: a file cannot be read, or the files do not belong together; the data folder has
            pictures of another size; or the work folder is not empty or cannot be written.
        UsageError: steps out of range.
    """
    check_flags(steps=steps)
    _refuse_used(workdir)
    found = read_weights(weights)
    words = _dictionary(found, dictionary)
    check_dictionary(found, words)
    folder = DataFolder.open(data) if data else None
    if folder:
        side, channels = found.sizes.side, found.sizes.channels
        named = str(weights).replace("{", "{{").replace("}", "}}")  # no placeholder
        check_same_shape(
            (side, side, channels),
            folder.shape,
            f"{named} draws images of {{expected}}, those of the data are {{found}}",
            f"Prepare the data with --height {side} --width {side} --channels {channels}.",
        )
    vocabulary = folder.vocabulary if folder else _vocabulary(words)
    config = _config(found, vocabulary, steps)
    model = build_configured(config)
    assign_weights(model, found, vocabulary, words)
    model.compile(build_optimizer(config.optimizer), jit_compile=False)
    _write(workdir, config, vocabulary, model, folder)
    return Imported(found, _lines(found, words, vocabulary, folder, steps))


def _dictionary(weights: AuthorsWeights, path: Path | None) -> Dictionary:
    beside = weights.path.with_name(DICTIONARY)
    if path is None and beside.is_file():
        path = beside
    if path is not None:
        return read_dictionary(path)
    if weights.sizes.channels == 1:
        return MNIST_DICTIONARY
    raise UserError(
        f"{weights.path} has rows for {weights.sizes.words:,} words and does not say which:"
        f" expected {DICTIONARY} beside it. Give the authors' dictionary with --dictionary."
    )


def _vocabulary(dictionary: Dictionary) -> Vocabulary:
    """The words of a dictionary in its order; how often they occur, it does not tell."""
    entries = (*RESERVED, *dictionary.words)
    return Vocabulary(entries, (0,) * len(entries))


def _config(weights: AuthorsWeights, vocabulary: Vocabulary, steps: int) -> TrainConfig:
    """The settings of the paper's training, without averages, which the authors did not keep."""
    base = preset("align-draw-coco" if weights.sizes.channels == 3 else "align-draw-mnist").config
    return dataclasses.replace(
        base,
        model=model_config(weights, vocabulary, steps),
        optimizer=dataclasses.replace(base.optimizer, ema=0.0),
    )


def _refuse_used(workdir: Path) -> None:
    if workdir.is_dir() and not any(workdir.iterdir()):
        return
    if workdir.exists() or workdir.is_symlink():
        raise UserError(
            f"--workdir {workdir} exists already and is not empty. Expected a new folder: choose"
            " another name."
        )


def _write(
    workdir: Path, config: TrainConfig, vocabulary: Vocabulary, model, folder: DataFolder | None
) -> None:
    try:
        workdir.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(workdir.parent, f".{workdir.name}.unfinished-") as scratch:
            made = scratch / "run"
            made.mkdir()
            checkpoints.write_config(made, config)
            vocabulary.save(made / "vocabulary.txt")
            if folder:
                shutil.copyfile(folder.path / MANIFEST, made / DATA_MANIFEST)
            checkpoints.CheckpointFolder(made / "checkpoints").save(model, {"elapsed": 0.0})
            os.replace(made, workdir)
    except OSError as error:
        raise UserError(
            f"--workdir {workdir} cannot be written: {error.strerror}. Choose another --workdir."
        ) from error


def _lines(
    weights: AuthorsWeights,
    dictionary: Dictionary,
    vocabulary: Vocabulary,
    folder: DataFolder | None,
    steps: int,
) -> list[str]:
    sizes = weights.sizes
    lines = [
        f"{weights.count:,} weights of alignDRAW, {sizes.side}x{sizes.side}x{sizes.channels}, from"
        f" {weights.path}, to draw in {steps} steps (--steps), which they do not tell."
    ]
    if weights.left_out:
        lines.append(f"Other arrays of the file, left out: {_named(weights.left_out)}.")
    if folder:
        lines += _lines_for_data(dictionary, vocabulary, folder)
    else:
        lines.append(f"{len(vocabulary) - len(RESERVED):,} words, of {dictionary.name}.")
        unwritable = [word for word in dictionary.ids if not is_writable(word)]
        if unwritable:
            lines.append(f"Words that no vocabulary can hold, left out: {_named(unwritable)}.")
    if dictionary.unknown is None:
        lines.append("There is no unknown word among them: unknown words read as the mean of all.")
    unreachable = dictionary.unreachable()
    if unreachable:
        lines.append(
            "Words of the dictionary that captions are divided into here otherwise, so that no"
            f" caption has them: {_named(unreachable)}."
        )
    return lines


def _lines_for_data(
    dictionary: Dictionary, vocabulary: Vocabulary, folder: DataFolder
) -> list[str]:
    words = vocabulary.entries[UNKNOWN + 1 :]
    unknown = [word for word in words if dictionary.id_of(word) is None]
    used = {dictionary.id_of(word) for word in words}
    unused = [word for word in dictionary.words if dictionary.ids[word] not in used]
    lines = [f"{len(words) - len(unknown):,} of the {len(words):,} words of {folder.path} taken."]
    if unknown:
        lines.append(f"Words that {dictionary.name} lacks, read as unknown: {_named(unknown)}.")
    if unused:
        lines.append(f"Words of {dictionary.name} that the data lack, left out: {_named(unused)}.")
    return lines


def _named(words) -> str:
    """The number of words, with the first of them."""
    words = list(words)
    more = ", ..." if len(words) > NAMED else ""
    return f"{len(words):,} ({', '.join(words[:NAMED])}{more})"
