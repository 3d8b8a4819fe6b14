"""Checkpoints: one .npz each, with the weights, the optimizer, the metrics and the progress.

The names in the archive are the variables' paths, so that NumPy alone can read one. The zip format
keeps a CRC of every array: damage is found when a checkpoint is read.
"""

import dataclasses
import json
import math
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras
import msgspec
import numpy as np
import tensorflow as tf

from t2i_tf.config import MODEL_CONFIGS, DrawConfig, TrainConfig
from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically
from t2i_tf.models import TrainableModel, build_model
from t2i_tf.optimizers import build_optimizer
from t2i_tf.sentence_encoder.encoder import load_encoder
from t2i_tf.text.tokenizer import Tokenizer, TokenReader
from t2i_tf.text.vocabulary import Vocabulary

_KIND = "config"  # in config.json
_DAMAGE = (zipfile.BadZipFile, ValueError, EOFError, OSError, KeyError, RuntimeError)


SENTENCE_ENCODER = "sentence_encoder.npz"  # in the work folder of a system that reads sentences


class Trained(NamedTuple):
    """A model with trained weights, and what is needed to use it."""

    model: TrainableModel
    config: TrainConfig
    vocabulary: Vocabulary
    reader: Callable[[tf.Tensor], tf.Tensor]  # captions, string [B], as the model reads them
    step: int


class CheckpointFolder:
    """The checkpoints of a run: `step-00001200.npz`, the last few and the best.

    Args:
        folder: where they are; made when the first is written.
        keep: how many of the last ones are kept, beside the best.
    """

    def __init__(self, folder: Path, keep: int = 3):
        self.folder = Path(folder)
        self.keep = keep

    def steps(self) -> list[int]:
        """Steps with a checkpoint, ascending."""
        names = (re.fullmatch(r"step-(\d+)\.npz", path.name) for path in self.folder.glob("*.npz"))
        return sorted(int(name[1]) for name in names if name)

    def path(self, step: int) -> Path:
        """Where the checkpoint of a step is or would be."""
        return self.folder / f"step-{step:08d}.npz"

    def save(self, model: keras.Model, progress: Mapping[str, Any]) -> Path:
        """Write model, optimizer, metrics and `progress` (plain values); delete what is too old.

        The archive appears under its name only when it is whole; what a killed writing left is
        deleted too.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.path(int(model.optimizer.iterations))
        arrays = {name: np.asarray(variable) for name, variable in _variables(model).items()}
        arrays["progress"] = np.array(json.dumps(dict(progress)))
        write_atomically(path, lambda file: np.savez(file, **arrays))
        for remnant in self.folder.glob(".step-*.npz.*"):
            remnant.unlink()
        for step in self.steps()[: -self.keep]:
            if step != self.best():
                self.path(step).unlink()
        return path

    def mark_best(self, step: int, loss: float) -> None:
        """Remember that the checkpoint of `step` has the lowest validation loss, nats."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"step": step, "loss": loss}).encode()
        write_atomically(self.folder / "best.json", lambda file: file.write(text))

    def best(self) -> int | None:
        """The step that `mark_best` named last, if its checkpoint is there."""
        return self._best()[0]

    def best_loss(self) -> float:
        """Its validation loss, nats; infinite where there is none."""
        return self._best()[1]

    def _best(self) -> tuple[int | None, float]:
        try:
            best = json.loads((self.folder / "best.json").read_text())
            step, loss = best["step"], best["loss"]
        except (OSError, ValueError, KeyError):
            return None, math.inf
        return (step, loss) if self.path(step).exists() else (None, math.inf)

    def restore_newest(self, model: keras.Model, say=print) -> dict[str, Any] | None:
        """Put the newest readable checkpoint into a compiled model.

        A damaged one is named through `say` and the one before is taken.

        Returns:
            Its progress, or None where no checkpoint exists.

        Raises:
            UserError: every checkpoint is damaged, or one belongs to another model.
        """
        damaged = []
        for step in reversed(self.steps()):
            try:
                progress = restore(self.path(step), model)
            except _DAMAGE as error:
                damaged.append(self.path(step).name)
                say(f"Checkpoint {self.path(step)} is damaged ({error}); trying the one before.")
                continue
            return progress
        if damaged:
            raise UserError(
                f"All checkpoints in {self.folder} are damaged: {', '.join(damaged)}. "
                "Delete them to train from the start."
            )
        return None


def restore(path: Path, model: keras.Model) -> dict[str, Any]:
    """Put one checkpoint into a compiled model and return its progress.

    Nothing is assigned unless all of it could be read.

    Raises:
        UserError: the variables are not those of the model.
        zipfile.BadZipFile, ValueError, EOFError, OSError, KeyError, RuntimeError: it is damaged.
    """
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    progress = json.loads(str(arrays.pop("progress")))
    variables = _variables(model)
    for name in sorted(variables.keys() ^ arrays.keys()):
        holder = "the model" if name in variables else "the checkpoint"
        raise UserError(f"{path} belongs to another model: only {holder} has {name!r}.")
    for name, variable in variables.items():
        if tuple(variable.shape) != arrays[name].shape:
            raise UserError(
                f"{path} belongs to another model: {name!r} should be {tuple(variable.shape)}, "
                f"is {arrays[name].shape}."
            )
    for name, variable in variables.items():
        variable.assign(arrays[name])
    return progress


def load(workdir: Path, which: str = "best") -> Trained:
    """The model of a work folder, with averaged weights where the run kept them.

    Args:
        workdir: written by `python -m pipelines train`.
        which: "best" by validation loss (the newest where none is marked), or "last".

    Raises:
        UserError: no such folder, no checkpoint, a damaged one, or a vocabulary of another size.
    """
    workdir = Path(workdir)
    config = read_config(workdir)
    vocabulary = Vocabulary.load(workdir / "vocabulary.txt")
    known = getattr(config.model, "vocabulary_size", len(vocabulary))
    if len(vocabulary) != known:
        raise UserError(
            f"{workdir / 'vocabulary.txt'} has {len(vocabulary)} words, the model was trained with "
            f"{known}. Put back the vocabulary of its data folder."
        )
    folder = CheckpointFolder(workdir / "checkpoints")
    model = build_model(config.model, seed=config.seed, mixed_precision=config.mixed_precision)
    model.compile(build_optimizer(config.optimizer), jit_compile=False)
    if which == "best" and folder.best() is not None:
        try:
            restore(folder.path(folder.best()), model)
        except _DAMAGE as error:
            raise UserError(
                f"Checkpoint {folder.path(folder.best())} is damaged ({error}). "
                "Use the last one instead, or train on."
            ) from error
    elif folder.restore_newest(model) is None:
        raise UserError(f"No checkpoint in {folder.folder}. Train first, or name another folder.")
    if config.optimizer.ema > 0:
        model.optimizer.finalize_variable_values(model.trainable_variables)
    reader = _reader(workdir, config, vocabulary)
    return Trained(model, config, vocabulary, reader, int(model.optimizer.iterations))


def _reader(workdir: Path, config: TrainConfig, vocabulary: Vocabulary) -> tf.Module:
    """Captions to sentence vectors [B, D] where the model wants these, else to ids [B, N]."""
    if config.reads_sentences:
        return load_encoder(workdir / SENTENCE_ENCODER)
    return TokenReader(Tokenizer(vocabulary, config.max_words))


def read_config(workdir: Path) -> TrainConfig:
    """The config of a work folder.

    Raises:
        UserError: the folder or its config.json is missing or malformed.
    """
    path = Path(workdir) / "config.json"
    try:
        return _decode_config(path.read_bytes())
    except FileNotFoundError:
        raise UserError(
            f"{workdir} is not a work folder: it has no config.json. "
            "Expected a folder that `python -m pipelines train --workdir` made."
        ) from None
    except (msgspec.DecodeError, OSError) as error:
        raise UserError(f"{path} cannot be read as a config: {error}.") from None


def write_config(workdir: Path, config: TrainConfig) -> None:
    """Write config.json, whole or not at all."""
    content = dataclasses.asdict(config)
    content["model"] = {_KIND: type(config.model).__name__} | content["model"]
    text = json.dumps(content, indent=2).encode()
    write_atomically(Path(workdir) / "config.json", lambda file: file.write(text))


def _decode_config(text: bytes) -> TrainConfig:
    """The config in a text of `write_config`; its model tells which kind it is."""
    content = msgspec.json.decode(text, type=dict[str, Any])
    kind = content.get("model", {}).get(_KIND, DrawConfig.__name__)
    if kind not in MODEL_CONFIGS:
        raise msgspec.ValidationError(f"{kind!r} is no kind of model: {', '.join(MODEL_CONFIGS)}")
    return msgspec.convert(content, type=TrainConfig[MODEL_CONFIGS[kind]])


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Every variable of a compiled model by a unique name."""
    model.optimizer.build(model.trainable_variables)
    groups = {
        "model": model.weights,
        "optimizer": model.optimizer.variables,
        "metrics": [variable for metric in model.metrics for variable in metric.variables],
    }
    named = [(f"{group}/{v.path}", v) for group, variables in groups.items() for v in variables]
    names = dict(named)
    assert len(names) == len(named), "two variables share a path"
    return names
