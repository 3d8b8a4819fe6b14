import dataclasses
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from pipelines.training.early_stopping import EarlyStopping
from pipelines.training.history import read_history
from pipelines.training.train import train
from pipelines.training.workers.workers import Workers
from t2i_tf import checkpoints

pytestmark = pytest.mark.usefixtures("without_graphs")


class Validations:
    """Plays validations, 10 steps apart, to `EarlyStopping`: no model is trained."""

    def __init__(self, folder, patience):
        self.folder = checkpoints.CheckpointFolder(folder)
        self.history, self.said = SimpleNamespace(rows=[]), []
        arguments = patience, 10, self.folder, self.history, self.said.append, Workers()
        self.stopping = EarlyStopping(*arguments)
        optimizer = SimpleNamespace(iterations=tf.constant(0))
        self.model = SimpleNamespace(optimizer=optimizer, unit="nats", stop_training=False)
        self.stopping.set_model(self.model)

    def __call__(self, *losses):
        """Each loss is a pair: of training, of validation."""
        for loss, val_loss in losses:
            self.model.optimizer.iterations += 10
            step = int(self.model.optimizer.iterations)
            self.history.rows.append({"step": step, "loss": loss, "val_loss": val_loss})
            if val_loss < self.folder.best_loss():
                self.folder.mark_best(step, val_loss)
                self.folder.path(step).write_bytes(b"")
            self.stopping.on_epoch_end(0)


def test_the_training_ends_after_so_many_validations_without_improvement(tmp_path):
    validate = Validations(tmp_path, patience=3)
    validate((9, 9), (8, 8), (8, 8.5), (8, 8.1))
    assert not validate.stopping.is_due and not validate.model.stop_training
    validate((8, 7.9), (8, 8), (8, 8))
    assert not validate.stopping.is_due, "an improvement begins the count anew"
    validate((8, 8))
    assert validate.stopping.is_due and validate.model.stop_training
    assert validate.said == [
        "The training ends early at step 80: 3 validations brought no lower loss than that of step"
        " 50."
    ]


def test_without_patience_or_without_a_validation_loss_it_never_ends(tmp_path):
    for patience, losses in ((0, [(9, 9), *[(9, 10)] * 20]), (2, [(9, float("nan"))] * 20)):
        validate = Validations(tmp_path / str(patience), patience)
        validate.folder.folder.mkdir()
        validate(*losses)
        assert not validate.model.stop_training and not validate.said


def test_overfitting_is_said_once_with_the_best_step(tmp_path):
    validate = Validations(tmp_path, patience=0)
    validate((9, 9.5), (8, 9), *((8 - k / 10, 9 + k / 10) for k in range(1, 20)))
    assert validate.said == [
        "The model overfits: since step 20, the training loss has fallen from 8 to 7.5 nats, while"
        " the validation loss is 9.5 after 9. The checkpoint of step 20 stays the best, and is the"
        " one that later commands use."
    ]


def test_a_training_loss_that_does_not_fall_is_not_overfitting(tmp_path):
    validate = Validations(tmp_path, patience=0)
    validate((8, 9), *[(8.1, 9.1)] * 20)
    assert not validate.said


@pytest.fixture(scope="module")
def diverging(config):
    """Settings with which the loss soon rises."""
    optimizer = dataclasses.replace(config.optimizer, learning_rate=0.3, schedule="constant")
    return dataclasses.replace(
        config, optimizer=optimizer, report_every=2, steps=100, patience=2, validation_pictures=8
    )


@pytest.fixture(scope="module")
def early(data, diverging, tmp_path_factory):
    """A run that its patience ended, and its outcome."""
    workdir = tmp_path_factory.mktemp("early") / "run"
    return workdir, train(diverging, data, workdir)


def rows(workdir):
    return [
        {name: value for name, value in row.items() if name != "seconds"}
        for row in read_history(workdir / "history.csv")
    ]


@pytest.mark.slow  # a training and an export
def test_later_commands_use_the_best_checkpoint_of_a_run_that_ended_early(early):
    workdir, outcome = early
    assert outcome.stopped_early and not outcome.interrupted
    assert outcome.step == outcome.best + 2 * 2 < 100
    assert min(rows(workdir), key=lambda row: row["val_loss"])["step"] == outcome.best
    assert checkpoints.load(workdir).step == outcome.best


def test_a_run_that_was_killed_ends_at_the_same_step(early, data, diverging, tmp_path):
    workdir, outcome = early
    shutil.copytree(workdir, tmp_path / "run")
    mine, theirs = (
        checkpoints.CheckpointFolder(path / "checkpoints") for path in (tmp_path / "run", workdir)
    )
    mine.path(outcome.step).unlink()
    resumed = train(diverging, data, tmp_path / "run")
    assert (resumed.step, resumed.best) == (outcome.step, outcome.best)
    assert rows(tmp_path / "run") == rows(workdir)
    with np.load(mine.path(outcome.step)) as one, np.load(theirs.path(outcome.step)) as other:
        for key in set(other.files) - {"progress"}:
            np.testing.assert_array_equal(one[key], other[key], err_msg=key)


@pytest.mark.slow
def test_the_same_command_trains_on_only_with_more_patience(early, data, diverging, tmp_path):
    workdir, outcome = early
    shutil.copytree(workdir, tmp_path / "run")
    again = train(diverging, data, tmp_path / "run")
    assert (again.step, again.best, again.stopped_early) == (outcome.step, outcome.best, True)
    longer = dataclasses.replace(diverging, patience=0, steps=outcome.step + 2)
    assert train(longer, data, tmp_path / "run").step == outcome.step + 2
