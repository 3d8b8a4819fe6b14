"""The weights that `train --init` begins from, and the record of them in the work folder."""

import dataclasses
from pathlib import Path
from typing import Any

import msgspec

from pipelines.typed_form import flag_of
from t2i_tf.checkpoints import SENTENCE_ENCODER, CheckpointFolder
from t2i_tf.config import ModelConfig, TrainConfig
from t2i_tf.errors import UserError
from t2i_tf.hub.find_preset import find_preset
from t2i_tf.hub.hugging_face import is_address
from t2i_tf.hub.pretrained import PretrainedModel
from t2i_tf.hub.transfer import Transfer, transfer
from t2i_tf.image_ops import check_same_shape, image_shape
from t2i_tf.json_files import read_json
from t2i_tf.models import TrainableModel
from t2i_tf.sentence_encoder.encoder import SentenceEncoder, load_encoder
from t2i_tf.text.vocabulary import Vocabulary

FILE = "init.json"  # in the work folder
_NAMED = 6  # weights that a line names at most; the file has all


class InitRecord(msgspec.Struct, frozen=True):
    """The trained model that a run began from: the entries of its init.json that are read again."""

    init: str  # what `from_preset` loads
    system: str
    step: int


def read_init_record(workdir: Path) -> InitRecord | None:
    """The trained model that a run began from; None if it began from initial weights.

    Raises:
        UserError: the record is damaged.
    """
    path = workdir / FILE
    remedy = "Delete it and leave out --init: the checkpoints are whole, and a training resumes."
    return read_json(path, InitRecord, remedy) if path.is_file() else None


def encoder_of(init: str) -> SentenceEncoder | None:
    """The sentence encoder of a preset or run, if it has one."""
    found = find_preset(init)
    if found.is_file():
        return PretrainedModel.from_preset(found).parts.encoder
    path = found / SENTENCE_ENCODER
    return load_encoder(path) if path.is_file() else None


def open_initial(init: str, workdir: Path, config: TrainConfig) -> PretrainedModel | None:
    """The model to begin from; None for a run with a checkpoint, which resumes.

    Args:
        init: what `from_preset` loads.
        workdir: work folder of the run.
        config: config of the run, with the sizes of its data.

    Raises:
        UserError: there is no such model, its pictures have another size than the data's, or the
            run began from something else.
    """
    if CheckpointFolder(workdir / "checkpoints").steps():
        _check_begun(init, workdir)
        return None
    model = PretrainedModel.from_preset(init)
    if hasattr(config.model, "height") and hasattr(model.settings.model, "height"):
        found = image_shape(model.settings.model)
        height, width, channels = found
        named = init.replace("{", "{{").replace("}", "}}")  # no placeholder
        check_same_shape(
            image_shape(config.model),
            found,
            f"The data folder has pictures of {{expected}}, {named} was trained on {{found}}",
            f"Prepare the data again with --height {height} --width {width} --channels {channels},"
            " or leave out --init.",
        )
    return model


def discard_init_record(workdir: Path) -> list[str]:
    """Delete the record of an earlier --init, for a run without a checkpoint or --init now.

    Returns:
        Lines that say so; none where there was no such record.
    """
    path = workdir / FILE
    if not path.is_file() or CheckpointFolder(workdir / "checkpoints").steps():
        return []
    path.unlink()
    return [
        f"{workdir} was to begin from a trained model, but has trained nothing. It begins from"
        " initial weights now, as --init is not given."
    ]


def begin_from(
    init: str,
    source: PretrainedModel,
    network: TrainableModel,
    config: ModelConfig,
    vocabulary: Vocabulary,
    encoder: SentenceEncoder | None,
) -> tuple[dict[str, Any], list[str]]:
    """Put the weights that fit into a new model.

    Args:
        init: name of the trained model, for the record and the lines.
        source: the trained model.
        network: the new model.
        config: its settings.
        vocabulary: words of the new model.
        encoder: sentence encoder of the new model, if it reads sentence vectors.

    Returns:
        The record for WORKDIR/init.json, and lines that say what was taken and what was not.

    Raises:
        UserError: no weight fits.
    """
    taken = transfer(source, network, vocabulary)
    lines = [
        *_summary(init, source, taken),
        *_other_settings(init, source.settings.model, config),
        *_other_window(init, source.network, network),
        *_other_empty_caption(init, source.network, network),
    ]
    before = source.parts.encoder
    if encoder is not None and (before is None or before.fingerprint != encoder.fingerprint):
        lines.append(
            f"The sentence encoder is not that of {init}: the weights have learnt other vectors."
            " Leave out --sentences to take its own."
        )
    facts = {"init": init, "system": source.network.title, "step": source.parts.step}
    return facts | taken._asdict(), lines


def _check_begun(init: str, workdir: Path) -> None:
    """Refuse --init for a run that began from something else."""
    began = read_init_record(workdir)
    if began is None or not is_same_preset(began.init, init):
        how = "without --init" if began is None else f"from --init {began.init}"
        raise UserError(
            f"{workdir} holds a run that began {how}. Leave out --init to resume it, or choose"
            " another --workdir."
        )


def is_same_preset(one: str, other: str) -> bool:
    """Whether two names are of one preset, as `runs/a` and `./runs/a/` are of one folder."""
    if one == other:
        return True
    paths = Path(one), Path(other)
    is_local = not any(map(is_address, (one, other))) and all(path.exists() for path in paths)
    return is_local and paths[0].samefile(paths[1])


def _other_settings(init: str, before: ModelConfig, now: ModelConfig) -> list[str]:
    """A line on the settings of the model that differ from those its weights were trained with."""
    said_elsewhere = {"vocabulary_size", "window"}
    old, new = (dataclasses.asdict(config) for config in (before, now))
    names = [name for name in new if name in old and name not in said_elsewhere]
    different = [
        f"{flag_of(f'model.{name}')} {new[name]}, there {old[name]}"
        for name in names
        if new[name] != old[name]
    ]
    return [f"Settings that {init} has otherwise: {'; '.join(different)}."] if different else []


def _other_window(init: str, before: TrainableModel, now: TrainableModel) -> list[str]:
    """A line if the weights of windows were trained with another convention than the model's."""
    old, new = (
        getattr(getattr(model, "cell", None), "convention", None) for model in (before, now)
    )
    if old == new or None in (old, new):
        return []
    return [
        f"The window of {init} is by the convention {old!r}, this model's by {new!r}: its weights"
        f" place patches elsewhere. --model.window {old} keeps them where they were."
    ]


def _other_empty_caption(init: str, before: TrainableModel, now: TrainableModel) -> list[str]:
    """A line if only one of the models has learned an empty caption."""
    old, new = (getattr(model, "has_empty_caption", None) for model in (before, now))
    if old == new or None in (old, new):
        return []
    if new:
        return [
            f"{init} was trained without --caption-dropout: the empty caption begins untrained."
        ]
    return [
        f"The empty caption of {init} is not taken, without which drawings have no guidance:"
        " --caption-dropout 0.1 keeps it."
    ]


def _summary(init: str, source: PretrainedModel, taken: Transfer) -> list[str]:
    tensors = taken.taken + len(taken.not_taken)
    lines = [
        f"Begins from {init} ({source.network.title}, step {source.parts.step:,}): {taken.taken} of"
        f" {tensors} weight tensors taken."
    ]
    if taken.enlarged:
        lines.append(
            f"Enlarged for larger windows, {len(taken.enlarged)}: {_listed(taken.enlarged)}. Their"
            " new pixels begin at zero."
        )
    if taken.known_words or taken.new_words:
        lines.append(
            f"Words: {taken.known_words:,} keep their rows, {taken.new_words:,} are new and begin"
            f" at the mean; {taken.left_words:,} of its words do not occur here."
        )
    if taken.not_taken:
        named = [f"{name} ({why})" for name, why in taken.not_taken.items()]
        lines.append(f"Not taken, {len(named)}: {_listed(named)}.")
    if taken.left:
        lines.append(
            f"Its tensors that have no place here, {len(taken.left)}: {_listed(taken.left)}."
        )
    return lines


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    rest = f", and {more} more, listed in {FILE}" if more > 0 else ""
    return ", ".join(names[:_NAMED]) + rest
