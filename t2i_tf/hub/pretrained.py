"""`PretrainedModel`: a trained network with its vocabulary, as one Keras model."""

from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self

import keras

from t2i_tf import checkpoints
from t2i_tf.config import TrainConfig
from t2i_tf.errors import UsageError, UserError
from t2i_tf.files import DAMAGE
from t2i_tf.hub.find_preset import find_preset, is_work_folder
from t2i_tf.hub.preset_folder import (
    VOCABULARY,
    WEIGHTS,
    Dtype,
    Parts,
    is_preset,
    read_data_facts,
    read_parts,
    write_preset,
)
from t2i_tf.models import TrainableModel, build_configured
from t2i_tf.sentence_encoder.encoder import load_encoder
from t2i_tf.text.tokenizer import Reader, Tokenizer, TokenReader, split_words
from t2i_tf.text.vocabulary import Vocabulary


class PretrainedModel(keras.Model):
    """A trained network that takes strings; `from_preset` makes one.

    `save` and, after `import t2i_tf.hub`, `keras.saving.load_model` work as for any Keras model: a
    `.keras` file has the settings in its config, and the words, with the sentence encoder if there
    is one, in its assets.

    It is for use, not for training: `t2i train --init` goes on from its weights.

    Args:
        config: settings of the training.
        parts: settings, vocabulary and encoder; None until Keras loads them from a file's assets.
        network: the network, if it is built already.
        name: name of the Keras model.
    """

    ability = ""
    """The method that a network of this kind has."""

    def __init__(
        self,
        config: TrainConfig,
        parts: Parts | None = None,
        network: TrainableModel | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.settings = config
        self.network = build_configured(config) if network is None else network
        # Its measures are of a training, and would become part of the file's format.
        self.network.trackers = {}
        self.built = True
        self._parts = parts

    @classmethod
    def from_preset(cls, preset: str | Path) -> Self:
        """A trained model.

        Args:
            preset: the name of weights that ship with the package, a work folder of `t2i train`, a
                folder of `save_to_preset`, a file of `save`, or hf://user/name on the Hugging Face
                Hub, where hf://user/name@revision names a branch, a tag or a commit.

        Raises:
            UsageError: `preset` is neither a string nor a path, or a malformed address.
            UserError: there is no such preset, it is damaged, or it holds another kind of model.
        """
        found = find_preset(preset)
        if found.is_file():
            model = _load_file(found)
        elif is_preset(found):
            model = _load_preset(found)
        else:
            model = _load_run(found)
        if not isinstance(model, cls):
            raise UserError(
                f"{preset} holds a model of another kind: load it with t2i_tf."
                f"{type(model).__name__}.from_preset."
            )
        return model

    def save(self, filepath: str | Path, *args, **kwargs) -> None:
        """Write a `.keras` file; arguments are those of `keras.Model.save`.

        Raises:
            UsageError: the name ends otherwise. Keras's older formats have no place for the words.
        """
        if Path(filepath).suffix != ".keras":
            raise UsageError(f"Expected a name that ends in .keras, got {filepath}.")
        super().save(filepath, *args, **kwargs)

    def save_to_preset(self, preset_dir: str | Path, dtype: Dtype = "float32") -> None:
        """Write a folder that `from_preset` loads, and that h5py and a text editor read.

        Args:
            preset_dir: created if it is missing; a preset that is there is replaced.
            dtype: float16 makes a file half as large, and rounds the weights to three digits.

        Raises:
            UsageError: another dtype.
            UserError: the folder holds something else or cannot be written, or a weight is too
                large for float16.
        """
        write_preset(Path(preset_dir), self.parts, self.network, self.save_weights, dtype)

    @property
    def parts(self) -> Parts:
        """Settings, vocabulary, sentence encoder and step."""
        if self._parts is None:
            raise UserError("This model has no vocabulary yet: load it with from_preset.")
        return self._parts

    @property
    def vocabulary(self) -> Vocabulary:
        """The words of the data that the model was trained on."""
        return self.parts.vocabulary

    @property
    def reader(self) -> Reader:
        """Captions string [B] to the input of the network; its vocabulary has the known words."""
        if self.parts.encoder is not None:
            return self.parts.encoder
        if self._token_reader is None:
            tokenizer = Tokenizer(self.vocabulary, self.settings.max_words)
            self._token_reader = TokenReader(tokenizer)
        return self._token_reader

    _token_reader: TokenReader | None = None

    def unknown_words(self, captions: str | list[str]) -> list[str]:
        """The words that the model, or its sentence encoder, does not know; each once, in order."""
        captions = [captions] if isinstance(captions, str) else captions
        known = self.reader.vocabulary
        words = (word for one in captions for word in split_words(one, known))
        return list(dict.fromkeys(word for word in words if word not in known))

    # Of a model that Keras is loading: its config is read before the assets, which `parts` needs.
    _step, _data, _share_done = 0, MappingProxyType({}), None

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        step, data, done = 0, {}, None
        if self._parts:
            step, data, done = self._parts.step, dict(self._parts.data), self._parts.share_done
        facts = {"step": step, "data": data, "share_done": done}
        return {"name": self.name, "settings": checkpoints.encode_config(self.settings), **facts}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects=None) -> Self:  # noqa: D102
        settings = checkpoints.decode_config(config["settings"])
        model = cls(settings, name=config["name"])
        model._step, model._data = config["step"], config.get("data", {})
        model._share_done = config.get("share_done")
        return model

    def save_assets(self, dir_path: str) -> None:
        """Write words and sentence encoder into a `.keras` file."""
        self.vocabulary.save(Path(dir_path) / VOCABULARY)
        if self.parts.encoder is not None:
            self.parts.encoder.save(Path(dir_path) / checkpoints.SENTENCE_ENCODER)

    def load_assets(self, dir_path: str) -> None:
        """Read words and sentence encoder from a `.keras` file."""
        folder, encoder = Path(dir_path), None
        if self.settings.reads_sentences:
            encoder = load_encoder(folder / checkpoints.SENTENCE_ENCODER)
        vocabulary = Vocabulary.load(folder / VOCABULARY)
        checkpoints.check_vocabulary(folder, vocabulary, self.settings)
        facts = self._step, dict(self._data), self._share_done
        self._parts = Parts(self.settings, vocabulary, encoder, *facts)


def read_settings(preset: str | Path) -> TrainConfig:
    """The settings of a preset, without its weights; errors are those of `from_preset`."""
    found = find_preset(preset)
    return _load_file(found).settings if found.is_file() else checkpoints.read_config(found)


def read_preset_data(preset: str | Path) -> dict[str, str]:
    """What a preset says of the data of its training, see `read_data_facts`."""
    found = find_preset(preset)
    return dict(_load_file(found).parts.data) if found.is_file() else read_data_facts(found)


def load_trained(
    preset: str | Path, which: Literal["best", "last"] = "best"
) -> checkpoints.Trained:
    """What `from_preset` loads, as every command loads it.

    Args:
        preset: see `PretrainedModel.from_preset`.
        which: the checkpoint of a work folder: "best" by validation loss, or "last".

    Raises:
        UsageError: `which` is "last", and the preset is no work folder; otherwise as
            `PretrainedModel.from_preset`.
        UserError: as `PretrainedModel.from_preset`.
    """
    found = find_preset(preset)
    if is_work_folder(found):
        return checkpoints.load(found, which)
    if which == "last":
        raise UsageError(
            f"Only work folders have a last checkpoint beside the best, and {preset} is a preset."
        )
    model = PretrainedModel.from_preset(found)
    return checkpoints.Trained(
        model.network, model.settings, model.vocabulary, model.reader, model.parts.step
    )


def _load_file(path: Path) -> PretrainedModel:
    """The model of a `.keras` file."""
    if path.suffix != ".keras":
        raise UserError(f"{path} is no preset: expected a folder, or a file that ends in .keras.")
    try:
        model = keras.saving.load_model(path)
    except DAMAGE as error:
        raise UserError(f"{path} cannot be loaded: {_keras_reason(error)}") from error
    if not isinstance(model, PretrainedModel):
        raise UserError(
            f"{path} holds a model of type {type(model).__name__}, which is none of"
            " t2i-tf. Load it with keras.saving.load_model."
        )
    if model._parts is None:
        raise UserError(f"{path} is no whole model: it has no {VOCABULARY}. Save or copy it again.")
    checkpoints.check_finite(path, model.network)
    return model


def _keras_reason(error: Exception) -> str:
    """The first line of a Keras error, with the next if it ends in a colon; pages may follow."""
    first, *others = [*filter(None, str(error).split("\n"))] or [type(error).__name__]
    said = f"{first} {others[0]}" if first.endswith(":") and others else first
    return said.partition(" Full object config:")[0]  # follows where a class is unknown


def _load_preset(folder: Path) -> PretrainedModel:
    """The model of a folder that `save_to_preset` wrote."""
    parts = read_parts(folder)
    model = _build(parts)
    try:
        model.load_weights(folder / WEIGHTS)
    except DAMAGE as error:
        raise UserError(f"{folder / WEIGHTS} cannot be loaded: {_keras_reason(error)}") from error
    checkpoints.check_finite(folder / WEIGHTS, model.network)
    return model


def _load_run(folder: Path) -> PretrainedModel:
    """The model of a work folder: its best checkpoint, with averaged weights."""
    trained = checkpoints.load(folder)
    encoder = trained.reader if trained.config.reads_sentences else None
    facts = read_data_facts(folder)
    done = checkpoints.read_share_done(folder, trained.config)
    parts = Parts(trained.config, trained.vocabulary, encoder, trained.step, facts, done)
    model = _build(parts)
    model.network.set_weights(trained.model.get_weights())
    return model


def _build(parts: Parts) -> PretrainedModel:
    """A model with initial weights, of the class whose `ability` its network has."""
    network = build_configured(parts.config)
    kinds = PretrainedModel.__subclasses__()
    kind = next(kind for kind in kinds if hasattr(network, kind.ability))
    return kind(parts.config, parts, network)
