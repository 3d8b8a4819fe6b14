"""Work folders as `train` leaves them, with untrained weights."""

import dataclasses
import shutil

import numpy as np

from t2i_tf import checkpoints
from t2i_tf.config import OptimizerConfig
from t2i_tf.models import build_model
from t2i_tf.optimizers import build_optimizer
from t2i_tf.presets import preset
from t2i_tf.sentence_encoder.encoder import SkipThoughtEncoder, weight_names
from t2i_tf.sentence_encoder.skip_thought_layer import SkipThoughtLayer


def write_run(
    path, name, folder, *, steps=2, scale=None, max_words=24, caption_dropout=0.0, **sizes
):
    """Write the work folder of a tiny preset's run on a data folder; returns its path.

    Args:
        path: Folder to make.
        name: Preset without `-tiny`.
        folder: DataFolder that the run seems to be trained on.
        steps: Steps that the run seems to be trained for, all of its budget.
        scale: Standard deviation of the weights; the initial weights where not given.
        max_words: Longest caption.
        caption_dropout: Share of captions that the run seems to have dropped.
        sizes: Further fields of the model's config.
    """
    config = preset(f"{name}-tiny").config
    sizes = {
        "height": folder.height,
        "width": folder.width,
        "channels": folder.channels,
        "vocabulary_size": len(folder.vocabulary),
    } | sizes
    encoder = sentence_encoder(folder.vocabulary) if config.reads_sentences else None
    if encoder:
        sizes["sentence_units"] = encoder.units
    fields = {field.name for field in dataclasses.fields(config.model)}
    model = dataclasses.replace(config.model, **{k: v for k, v in sizes.items() if k in fields})
    config = dataclasses.replace(
        config,
        model=model,
        optimizer=OptimizerConfig(ema=0),  # no average replaces the weights below
        steps=steps,
        max_words=max_words,
        caption_dropout=caption_dropout,
        xla=False,
    )
    path.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder.path / "manifest.json", path / "data.json")
    (path / "history.csv").write_text(f"step,seconds\n{steps},1.0\n")
    checkpoints.write_config(path, config)
    folder.vocabulary.save(path / "vocabulary.txt")
    if encoder:
        encoder.save(path / checkpoints.SENTENCE_ENCODER)
    _write_checkpoint(path, config, steps, scale)
    return path


def sentence_encoder(vocabulary):
    """An encoder with random weights."""
    layer = SkipThoughtLayer(len(vocabulary), 3, 2, name="skip_thought")
    random = np.random.default_rng(0)
    arrays = {
        name: np.float32(random.standard_normal(weight.shape))
        for name, weight in zip(weight_names(layer), layer.weights, strict=True)
    }
    return SkipThoughtEncoder(vocabulary, arrays)


def _write_checkpoint(path, config, steps, scale):
    model = build_model(config.model, caption_dropout=config.caption_dropout)
    if scale:
        random = np.random.default_rng(0)
        for weight in model.weights:
            weight.assign(scale * random.standard_normal(weight.shape))
    model.compile(build_optimizer(config.optimizer), jit_compile=False)
    model.optimizer.iterations.assign(steps)
    checkpoints.CheckpointFolder(path / "checkpoints").save(model, {})
