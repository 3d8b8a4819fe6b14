"""Checkpoints: one .npz each, with the weights, the optimizer, the metrics and the progress.

Arrays are named after the variables' paths, so that NumPy alone can read a checkpoint. The zip
format keeps a CRC of every array, which reveals damage on reading.
"""

import dataclasses
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras
import msgspec
import numpy as np

from t2i_tf.budget import share_done
from t2i_tf.config import MODEL_CONFIGS, DrawConfig, TrainConfig
from t2i_tf.errors import UsageError, UserError, did_you_mean, first_line
from t2i_tf.files import DAMAGE, write_atomically
from t2i_tf.json_files import as_utf8
from t2i_tf.models import TrainableModel, build_configured
from t2i_tf.number_ranges import check_numbers
from t2i_tf.optimizers import build_optimizer, steps_taken
from t2i_tf.sentence_encoder.encoder import load_encoder
from t2i_tf.text.tokenizer import Reader, Tokenizer, TokenReader
from t2i_tf.text.vocabulary import Vocabulary

_KIND = "config"  # in config.json

BEST = "best.json"  # among the checkpoints: which of them is the best
SENTENCE_ENCODER = "sentence_encoder.npz"  # in the work folder of a model that reads sentences


class Trained(NamedTuple):
    """A trained model, with all that is needed to use it."""

    model: TrainableModel
    config: TrainConfig
    vocabulary: Vocabulary  # of its data
    reader: Reader  # what it reads captions with, which may know other words
    step: int


class Saved(NamedTuple):
    """What a checkpoint holds."""

    path: Path
    state: dict[str, np.ndarray]  # values of all variables, as `read_state` returns them
    progress: dict[str, Any]


class CheckpointFolder:
    """The checkpoints of a run: `step-00001200.npz`, the last few and the best.

    Args:
        folder: their folder, created with the first checkpoint.
        keep: number of latest checkpoints to keep, beside the best.
    """

    def __init__(self, folder: Path, keep: int = 3):
        self.folder = Path(folder)
        self.keep = keep

    def steps(self) -> list[int]:
        """The steps that have a checkpoint, ascending."""
        names = (re.fullmatch(r"step-(\d+)\.npz", path.name) for path in self.folder.glob("*.npz"))
        return sorted(int(name[1]) for name in names if name)

    def path(self, step: int) -> Path:
        """The path of a step's checkpoint, whether it exists or not."""
        return self.folder / f"step-{step:08d}.npz"

    def save(self, model: keras.Model, progress: Mapping[str, Any]) -> Path:
        """Write model, optimizer, metrics and `progress` (plain values); delete old checkpoints."""
        return self.write(steps_taken(model), read_state(model), progress)

    def write(
        self, step: int, state: Mapping[str, np.ndarray], progress: Mapping[str, Any]
    ) -> Path:
        """Write the state of a step, as `read_state` returns it; delete old checkpoints.

        The archive appears under its name only when it is complete. Partial files that a killed
        process left are deleted too.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.path(step)
        arrays = dict(state) | {"progress": np.array(json.dumps(dict(progress)))}
        write_atomically(path, lambda file: np.savez(file, **arrays))
        for remnant in self.folder.glob(".step-*.npz.*"):
            remnant.unlink()
        for step in self.steps()[: -self.keep]:
            if step != self.best():
                self.path(step).unlink()
        return path

    def mark_best(self, step: int, loss: float) -> None:
        """Record that the checkpoint of `step` has the lowest validation loss, in nats."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"step": step, "loss": loss}).encode()
        write_atomically(self.folder / BEST, lambda file: file.write(text))

    def best(self) -> int | None:
        """The step that was last marked as best, or None if it has no checkpoint."""
        return self._best()[0]

    def best_loss(self) -> float:
        """Validation loss of the best checkpoint, nats; infinite if there is none."""
        return self._best()[1]

    def _best(self) -> tuple[int | None, float]:
        try:
            best = json.loads((self.folder / BEST).read_text())
            step, loss = int(best["step"]), float(best["loss"])
        except (OSError, ValueError, KeyError, TypeError):
            return None, math.inf
        return (step, loss) if self.path(step).exists() else (None, math.inf)

    def restore_newest(self, model: keras.Model, say=print) -> dict[str, Any] | None:
        """Restore the newest readable checkpoint into a compiled model.

        A damaged checkpoint is reported through `say`, and the one before it is restored instead.

        Returns:
            The checkpoint's progress, or None if there is no checkpoint.

        Raises:
            UserError: all checkpoints are damaged, or the newest belongs to another model.
        """
        saved = self.read_newest(say)
        if saved is None:
            return None
        assign_state(model, saved)
        return saved.progress

    def read_newest(self, say=print) -> Saved | None:
        """The newest readable checkpoint, or None; as in `restore_newest`."""
        damaged = []
        for step in reversed(self.steps()):
            try:
                return read_checkpoint(self.path(step))
            except DAMAGE as error:
                damaged.append(self.path(step).name)
                say(
                    f"Checkpoint {self.path(step)} is damaged ({first_line(error)}). Trying the one"
                    " before it."
                )
        if damaged:
            raise UserError(
                f"All checkpoints in {self.folder} are damaged: {', '.join(damaged)}. "
                "Delete them to train from the start."
            )
        return None


def read_state(model: keras.Model) -> dict[str, np.ndarray]:
    """The values of all variables of a compiled model, by their names in a checkpoint.

    Several workers have to call it at the same time: they add up their metrics.
    """
    return {name: np.asarray(variable) for name, variable in _variables(model).items()}


def restore(path: Path, model: keras.Model) -> dict[str, Any]:
    """Restore one checkpoint into a compiled model and return its progress.

    The whole checkpoint is read before any variable is assigned.

    Raises:
        UserError: the variables are not those of the model.
        one of `files.DAMAGE`: the checkpoint is damaged.
    """
    saved = read_checkpoint(path)
    assign_state(model, saved)
    return saved.progress


def read_checkpoint(path: Path) -> Saved:
    """Read a whole checkpoint; the errors of a damaged one are those of `restore`."""
    with np.load(path) as archive:
        state = {name: archive[name] for name in archive.files}
    return Saved(path, state, json.loads(str(state.pop("progress"))))


def read_share_done(workdir: Path, config: TrainConfig) -> float | None:
    """The share of a run's training that is done, see `share_done`, by its newest whole checkpoint.

    None where nothing was trained, or nothing is known.
    """
    folder = CheckpointFolder(Path(workdir) / "checkpoints")
    for step in reversed(folder.steps()):
        try:
            with np.load(folder.path(step)) as archive:
                progress = json.loads(str(archive["progress"]))
        except DAMAGE:
            continue
        return share_done(config, step, folder.best(), progress) if step else None
    return None


def assign_state(model: keras.Model, saved: Saved) -> None:
    """Put the values of a checkpoint into a compiled model.

    Several workers have to call it at the same time: their metrics are sums over all of them.

    Raises:
        UserError: the variables are not those of the model.
    """
    path, state, variables = saved.path, saved.state, _variables(model)
    for name in sorted(variables.keys() ^ state.keys()):
        holder = "the model" if name in variables else "the checkpoint"
        raise UserError(f"{path} belongs to another model: only {holder} has {name!r}.")
    for name, variable in variables.items():
        if tuple(variable.shape) != state[name].shape:
            raise UserError(
                f"{path} belongs to another model: expected {name!r} with the shape "
                f"{tuple(variable.shape)}, found {state[name].shape}."
            )
    for name, variable in variables.items():
        variable.assign(state[name])


def load(workdir: Path, which: str = "best") -> Trained:
    """The model of a work folder, with averaged weights if the run kept them.

    Args:
        workdir: a folder that `python -m pipelines train` wrote.
        which: "best" by validation loss (the newest if none is marked, or, which is said, if the
            best is damaged or missing), or "last".

    Raises:
        UserError: a file of the folder is missing or malformed, all checkpoints are damaged, the
            vocabulary has another size, or weights are not finite.
    """
    workdir = Path(workdir)
    config = read_config(workdir)
    vocabulary = Vocabulary.load(workdir / "vocabulary.txt")
    check_vocabulary(workdir, vocabulary, config)
    folder = CheckpointFolder(workdir / "checkpoints")
    model = build_configured(config)
    model.compile(build_optimizer(config.optimizer), jit_compile=False)
    restored = which == "best" and _restore_best(folder, model)
    if not restored and folder.restore_newest(model) is None:
        raise UserError(f"No checkpoint in {folder.folder}. Train first, or name another folder.")
    step = steps_taken(model)
    if config.optimizer.ema > 0 and step > 0:  # before the first step averages are zeros
        model.optimizer.finalize_variable_values(model.trainable_variables)
    check_finite(workdir, model)
    reader = _reader(workdir, config, vocabulary)
    return Trained(model, config, vocabulary, reader, step)


def _restore_best(folder: CheckpointFolder, model: TrainableModel) -> bool:
    """Restore the best checkpoint; False if none is marked, or it is damaged, which is printed."""
    best = folder.best()
    if best is None:
        if (folder.folder / BEST).exists():
            print(f"{folder.folder / BEST} names no checkpoint that is there. Taking the newest.")
        return False
    try:
        restore(folder.path(best), model)
    except DAMAGE as error:
        print(
            f"The best checkpoint {folder.path(best)} is damaged ({first_line(error)}). Taking the"
            " newest whole one."
        )
        return False
    return True


def check_finite(path: Path, model: TrainableModel) -> None:
    """Refuse weights that are not finite, which would draw black pictures without a word."""
    for weight in model.weights:
        if not np.isfinite(weight.numpy()).all():
            raise UserError(
                f"{path} is damaged, or its training diverged: the weight {weight.path} has values"
                " that are infinite or no numbers."
            )


def check_vocabulary(workdir: Path, vocabulary: Vocabulary, config: TrainConfig) -> None:
    """Raise UserError if the vocabulary of a folder has another size than its model."""
    expected = getattr(config.model, "vocabulary_size", len(vocabulary))
    if len(vocabulary) != expected:
        raise UserError(
            f"{workdir / 'vocabulary.txt'} has {len(vocabulary)} words, but the model was trained "
            f"with {expected}. Restore the vocabulary of its data folder."
        )


def _reader(workdir: Path, config: TrainConfig, vocabulary: Vocabulary) -> Reader:
    """Captions to sentence vectors [B, D] if the model reads these, else to ids [B, N]."""
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
        text = as_utf8(path.read_bytes(), str(path))
        config = decode_config(msgspec.json.decode(text, type=dict[str, Any]))
        check_numbers(config)
        return config
    except FileNotFoundError:
        raise UserError(
            f"{workdir} is not a work folder: it has no config.json. "
            "Expected a folder written by `python -m pipelines train --workdir`."
        ) from None
    except UsageError as error:
        raise UserError(f"{path}: {error}") from None
    except (msgspec.DecodeError, OSError) as error:
        raise UserError(f"{path} cannot be read as a config: {error}.") from None


def write_config(workdir: Path, config: TrainConfig) -> None:
    """Write config.json atomically."""
    text = json.dumps(encode_config(config), indent=2).encode()
    write_atomically(Path(workdir) / "config.json", lambda file: file.write(text))


def encode_config(config: TrainConfig) -> dict[str, Any]:
    """A config as the content of config.json, which names the class of the model's config."""
    content = dataclasses.asdict(config)
    content["model"] = {_KIND: type(config.model).__name__} | content["model"]
    return content


def decode_config(content: dict[str, Any]) -> TrainConfig:
    """The config that `encode_config` turned into `content`.

    Raises:
        msgspec.ValidationError: names the field and what is wrong with it.
        UsageError: it has a setting that there is not, misspelt or of a later version, which would
            be ignored.
    """
    model = content.get("model", {}) if isinstance(content, dict) else None
    if not isinstance(model, dict):
        raise msgspec.ValidationError("expected settings with the settings of a model in `model`")
    kind = model.get(_KIND, DrawConfig.__name__)
    if kind not in MODEL_CONFIGS:
        raise msgspec.ValidationError(
            f"expected a model config among {', '.join(MODEL_CONFIGS)}, found {kind!r}"
        )
    config = msgspec.convert(content, type=TrainConfig[MODEL_CONFIGS[kind]])
    for unknown in _unknown_settings(content, config):
        raise UsageError(unknown)
    return config


def _unknown_settings(content: Mapping[str, Any], config: Any, path: str = "") -> Iterator[str]:
    """A sentence on each setting that a config does not have."""
    names = [field.name for field in dataclasses.fields(config)]
    for name, value in content.items():
        if name in names:
            inner = getattr(config, name)
            if dataclasses.is_dataclass(inner):
                yield from _unknown_settings(value, inner, f"{path}{name}.")
        elif name != _KIND:
            yield f"there is no setting {path + name!r}. {did_you_mean(name, names)}"


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """All variables of a compiled model, by unique names."""
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
