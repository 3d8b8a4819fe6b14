import dataclasses

import numpy as np
import pytest

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.training.train import fit_to_data
from t2i_tf import checkpoints
from t2i_tf.models import build_model
from t2i_tf.optimizers import build_optimizer
from t2i_tf.presets import preset
from tests.data_folders import write_training_folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_training_folder(tmp_path_factory.mktemp("training") / "data")


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """Work folders `draw` and `skip` of a DRAW system and a sentence encoder, weights random."""
    root, folder = tmp_path_factory.mktemp("runs"), DataFolder.open(data)
    for name, system in (("draw", "align-draw-tiny"), ("skip", "skip-thought-tiny")):
        write_run(root / name, fit_to_data(preset(system).config, folder, sources=None), folder)
    return root


def write_run(workdir, config, folder):
    # Averages of weights that were never trained are zero: none are kept.
    optimizer = dataclasses.replace(config.optimizer, ema=0.0)
    config = dataclasses.replace(config, optimizer=optimizer)
    model, rng = build_model(config.model), np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(0.5 * rng.standard_normal(weight.shape))
    model.compile(build_optimizer(config.optimizer), jit_compile=False)
    workdir.mkdir()
    checkpoints.write_config(workdir, config)
    folder.vocabulary.save(workdir / "vocabulary.txt")
    checkpoints.CheckpointFolder(workdir / "checkpoints").save(model, {})
