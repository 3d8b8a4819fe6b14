import dataclasses
import shutil

import numpy as np
import pytest

from pipelines.training.early_stopping import OVERFITTING
from pipelines.training.history import read_history
from pipelines.training.train import train
from t2i_tf import checkpoints


@pytest.fixture(scope="module")
def overfitting(config):
    """Settings with which twelve training captions are learnt by heart; a validation every step."""
    optimizer = dataclasses.replace(config.optimizer, learning_rate=0.1, schedule="constant")
    return dataclasses.replace(
        config, optimizer=optimizer, report_every=2, steps=200, patience=6, validation_pictures=8
    )


@pytest.fixture(scope="module")
def early(data, overfitting, tmp_path_factory):
    """A run that its patience ended, its outcome, and what it printed."""
    workdir = tmp_path_factory.mktemp("early") / "run"
    return workdir, train(overfitting, data, workdir, overfit=4)


def losses(workdir):
    return {row["step"]: row["val_loss"] for row in read_history(workdir / "history.csv")}


def test_the_training_ends_after_so_many_validations_without_improvement(early):
    workdir, outcome = early
    assert outcome.stopped_early and not outcome.interrupted and outcome.step < 200
    assert outcome.step == outcome.best + 2 * 6
    assert min(losses(workdir), key=losses(workdir).get) == outcome.best
    assert checkpoints.load(workdir).step == outcome.best, "later commands use the best"


def test_the_same_command_does_not_train_on(early, data, overfitting):
    workdir, outcome = early
    again = train(overfitting, data, workdir, overfit=4)
    assert (again.step, again.best, again.stopped_early) == (outcome.step, outcome.best, True)


def test_a_run_that_was_killed_ends_at_the_same_step(early, data, overfitting, tmp_path):
    workdir, outcome = early
    shutil.copytree(workdir, tmp_path / "run")
    folder = checkpoints.CheckpointFolder(tmp_path / "run" / "checkpoints")
    first, *later = [step for step in folder.steps() if step != outcome.best]
    for step in later:
        folder.path(step).unlink()
    assert first < outcome.step
    resumed = train(overfitting, data, tmp_path / "run", overfit=4)
    assert (resumed.step, resumed.best) == (outcome.step, outcome.best)
    assert losses(tmp_path / "run") == losses(workdir)
    with np.load(folder.path(outcome.step)) as mine:
        name = checkpoints.CheckpointFolder(workdir / "checkpoints").path(outcome.step)
        with np.load(name) as whole:
            for key in set(whole.files) - {"progress"}:
                np.testing.assert_array_equal(mine[key], whole[key], err_msg=key)


def test_patience_can_be_raised_to_train_on(early, data, overfitting, tmp_path):
    workdir, outcome = early
    shutil.copytree(workdir, tmp_path / "run")
    longer = dataclasses.replace(overfitting, patience=0, steps=outcome.step + 4)
    assert train(longer, data, tmp_path / "run", overfit=4).step == outcome.step + 4


def test_overfitting_is_said_once_with_the_best_step(data, overfitting, tmp_path, capsys):
    patient = dataclasses.replace(overfitting, patience=0, steps=2 * 30)
    outcome = train(patient, data, tmp_path / "run", overfit=4)
    output = " ".join(capsys.readouterr().out.split())
    assert not outcome.stopped_early and outcome.step == 60
    assert outcome.step - outcome.best >= 2 * OVERFITTING
    assert output.count("The model overfits: since step") == 1
    assert "ends early" not in output


def test_a_training_that_improves_is_not_ended(data, config, tmp_path, capsys):
    config = dataclasses.replace(config, patience=3, report_every=2)
    outcome = train(config, data, tmp_path / "run")
    assert outcome.step == config.steps and not outcome.stopped_early
    assert "overfits" not in capsys.readouterr().out
