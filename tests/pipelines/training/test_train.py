import csv
import dataclasses
import math
import shutil
import signal
from collections import Counter

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipelines.data.prepared import record_reader
from pipelines.training import train as training
from pipelines.training.checkpointing import Interrupted
from pipelines.training.history import read_history
from pipelines.training.train import train
from pipelines.training.workdir import INPUTS, Inputs, _check_inputs, smoke
from t2i_tf import checkpoints
from t2i_tf.config import OptimizerConfig
from t2i_tf.errors import UsageError, UserError
from t2i_tf.json_files import write_json
from t2i_tf.presets import preset

pytestmark = pytest.mark.usefixtures("without_graphs")

NEVER = math.inf  # no checkpoint but at the end of an interval, however slow the machine is


class At(keras.callbacks.Callback):
    """Does something after a step."""

    def __init__(self, step, action):
        super().__init__()
        self.step, self.action = step, action

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == self.step:
            self.step = None  # once
            self.action()


@pytest.fixture
def after(monkeypatch):
    """`after(step, action)` makes the next trainings do something after a step."""
    extra = []
    fit = keras.Model.fit

    def fit_with_more(model, *args, callbacks, **kwargs):
        return fit(model, *args, callbacks=[*extra, *callbacks], **kwargs)

    monkeypatch.setattr(keras.Model, "fit", fit_with_more)
    return lambda step, action: extra.__setitem__(slice(None), [At(step, action)])


@pytest.fixture(scope="module")
def whole(data, config, tmp_path_factory):
    """An uninterrupted run, and its outcome."""
    workdir = tmp_path_factory.mktemp("whole") / "run"
    return workdir, train(config, data, workdir, checkpoint_seconds=NEVER)


def arrays(workdir):
    with np.load(checkpoints.CheckpointFolder(workdir / "checkpoints").path(12)) as archive:
        return {name: archive[name] for name in archive.files if name != "progress"}


def assert_same_run(workdir, other):
    mine, theirs = arrays(workdir), arrays(other)
    assert mine.keys() == theirs.keys()
    for name in mine:
        np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)
    assert history(workdir) == history(other)


def history(workdir):
    """The texts of the history but for the seconds."""
    with (workdir / "history.csv").open(newline="") as file:
        return [row | {"seconds": ""} for row in csv.DictReader(file)]


def test_a_run_leaves_what_its_folder_should_hold(whole):
    workdir, outcome = whole
    assert outcome.step == 12 and not outcome.interrupted
    assert [row["step"] for row in read_history(workdir / "history.csv")] == [6, 12]
    assert outcome.loss == min(row["val_loss"] for row in read_history(workdir / "history.csv"))
    assert len(list((workdir / "samples").glob("step-*.png"))) == 2
    assert list((workdir / "tensorboard").glob("events*"))
    trained = checkpoints.load(workdir)
    assert (trained.config.model.height, trained.config.model.sentence_units) == (8, 16)
    assert len(trained.vocabulary) > 2


def test_a_finished_run_does_nothing(whole, data, config):
    workdir, outcome = whole
    before = arrays(workdir)
    assert train(config, data, workdir).step == outcome.step
    for name, value in arrays(workdir).items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("step", [6, 9])  # at the end of an interval of six, and inside one
def test_an_interrupted_run_resumes_exactly(whole, data, config, tmp_path, after, step):
    after(step, lambda: signal.raise_signal(signal.SIGINT))
    outcome = train(config, data, tmp_path / "run")
    assert outcome.interrupted and outcome.step == step
    assert train(config, data, tmp_path / "run").step == 12
    assert_same_run(tmp_path / "run", whole[0])


@pytest.mark.slow
def test_a_run_that_drops_captions_resumes_exactly(data, config, tmp_path):
    config = dataclasses.replace(config, caption_dropout=0.3)
    train(config, data, tmp_path / "whole", checkpoint_seconds=NEVER)
    shutil.copytree(tmp_path / "whole", tmp_path / "run")
    checkpoints.CheckpointFolder(tmp_path / "run" / "checkpoints").path(12).unlink()
    train(config, data, tmp_path / "run", checkpoint_seconds=NEVER)
    assert_same_run(tmp_path / "run", tmp_path / "whole")
    assert checkpoints.load(tmp_path / "run").model.has_empty_caption
    changed = dataclasses.replace(config, caption_dropout=0.2)
    with pytest.raises(UserError, match=r"--caption-dropout was 0\.3, is 0\.2"):
        train(changed, data, tmp_path / "run")


@pytest.mark.parametrize("name", ["captioner", "sharpening", "skip-thought", "skip-thought-draw"])
def test_word_dropout_is_for_models_that_draw_from_words(bare_data, tmp_path, name):
    config = dataclasses.replace(preset(f"{name}-tiny").config, word_dropout=0.2)
    with pytest.raises(UsageError, match="--word-dropout is for systems that draw captions from"):
        train(config, bare_data, tmp_path / "run")


def test_a_model_that_draws_nothing_refuses_to_drop_captions(bare_data, tmp_path):
    config = dataclasses.replace(preset("captioner-tiny").config, caption_dropout=0.1)
    with pytest.raises(UsageError, match="--caption-dropout is for systems that draw captions"):
        train(config, bare_data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_run_that_crashes_twice_and_loses_a_checkpoint_ends_the_same(
    whole, data, config, tmp_path, after
):
    class Crash(Exception):
        pass

    def crash():
        raise Crash

    after(10, crash)
    with pytest.raises(Crash):
        train(config, data, tmp_path / "run", checkpoint_seconds=NEVER)
    folder = checkpoints.CheckpointFolder(tmp_path / "run" / "checkpoints")
    assert folder.steps() == [6]
    after(11, crash)
    with pytest.raises(Crash):
        train(config, data, tmp_path / "run", checkpoint_seconds=0)
    newest = folder.path(folder.steps()[-1])
    newest.write_bytes(newest.read_bytes()[:-100])
    assert train(config, data, tmp_path / "run").step == 12
    assert_same_run(tmp_path / "run", whole[0])


@pytest.mark.slow
def test_a_run_that_is_killed_before_its_last_checkpoint_ends_the_same(
    whole, data, config, tmp_path, monkeypatch
):
    class Killed(BaseException):
        pass

    write = checkpoints.CheckpointFolder.write

    def kill_at_the_end(folder, step, state, progress):
        if step == 12:
            raise Killed
        return write(folder, step, state, progress)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(checkpoints.CheckpointFolder, "write", kill_at_the_end)
        train(config, data, tmp_path / "run", checkpoint_seconds=NEVER)
    (tmp_path / "run" / "checkpoints" / ".step-00000012.npz.abc").write_bytes(b"half")
    again = train(config, data, tmp_path / "run", checkpoint_seconds=NEVER)
    assert again.loss == whole[1].loss
    assert_same_run(tmp_path / "run", whole[0])
    left = [
        {path.name for path in (workdir / "checkpoints").iterdir()}
        for workdir in (tmp_path / "run", whole[0])
    ]
    assert left[0] == left[1]


@pytest.fixture(scope="module")
def smoke_run(data, config, tmp_path_factory):
    """A smoke test in the work folder of a run that was killed as it began, and its outcome."""
    workdir = tmp_path_factory.mktemp("smoke")
    (workdir / "data.json").write_text("{")
    (workdir / ".vocabulary.txt.abc").write_text("half")
    return workdir, train(smoke(config), data, workdir)


def test_a_run_that_is_killed_as_it_begins_starts_again(smoke_run, data):
    workdir, outcome = smoke_run
    assert outcome.step == 2
    assert (workdir / "data.json").read_bytes() == (data / "manifest.json").read_bytes()


def test_a_smoke_test_is_two_steps_of_everything(smoke_run):
    workdir, outcome = smoke_run
    assert outcome.step == 2
    assert len(list((workdir / "samples").iterdir())) == 2


def test_other_settings_are_refused_by_name(whole, data, config):
    changed = dataclasses.replace(
        config, batch_size=4, model=dataclasses.replace(config.model, hidden_units=5)
    )
    with pytest.raises(
        UserError, match=r"--batch-size was 8, is 4; --model.hidden-units was 16, is 5"
    ):
        train(changed, data, whole[0])


def test_a_setting_with_a_short_flag_is_named_by_it(whole, data, config):
    model = dataclasses.replace(config.model, likelihood="logistic")
    with pytest.raises(UserError, match=r" --likelihood was 'gaussian', is 'logistic'\."):
        train(dataclasses.replace(config, model=model), data, whole[0])


def test_another_system_is_refused_by_name(whole, data):
    with pytest.raises(UserError, match="has a VaeConfig, this preset a DrawConfig"):
        train(preset("align-draw-tiny").config, data, whole[0])


def test_without_a_sentence_encoder_the_error_names_the_commands(bare_data, tmp_path):
    with pytest.raises(
        UserError, match=r"(?s)train --preset skip-thought-scenes.*--sentences"
    ) as error:
        train(preset("lapgan-tiny").config, bare_data, tmp_path / "run")
    assert not (tmp_path / "run").exists() and "published" in str(error.value)


def test_a_run_of_another_model_is_refused_as_encoder(whole, data, tmp_path):
    with pytest.raises(UserError, match=r"holds FullyConnectedVAE\. Expected a sentence encoder"):
        train(preset("lapgan-tiny").config, data, tmp_path / "run", sentences=whole[0])


def test_before_its_first_step_a_run_reads_the_captions_of_a_split_once(
    bare_data, tmp_path, monkeypatch
):
    scans = Counter()  # how often each split was read from its first record
    read_records = record_reader.read_records

    def counted(files):
        def count(index, record):
            scans[files[0].name.partition("-")[0]] += int(index == 0)
            return record

        records = read_records(files).enumerate()
        records = records.map(lambda *record: tf.numpy_function(count, record, tf.string))
        return records.map(lambda record: tf.ensure_shape(record, []))

    def stop(*args):
        raise Interrupted

    monkeypatch.setattr(record_reader, "read_records", counted)
    monkeypatch.setattr(training, "_fit_round", stop)
    train(preset("skip-thought-tiny").config, bare_data, tmp_path / "run")
    captions = memory = preview = 1  # captions, their lengths and their neighbours in one scan
    assert scans == {"train": captions + memory, "val": captions + preview}


def test_reconstructions_have_to_be_named(data, tmp_path):
    config = preset("sharpening-tiny").config
    model = dataclasses.replace(config.model, pairs="both")
    config = dataclasses.replace(config, model=model, xla=False, steps=2, report_every=1)
    with pytest.raises(UserError, match="name the model's work folder with --reconstructions"):
        train(config, data, tmp_path / "run")


@pytest.mark.slow
def test_a_run_can_be_trained_for_longer(whole, data, config, tmp_path):
    shutil.copytree(whole[0], tmp_path / "run")
    assert train(dataclasses.replace(config, steps=13), data, tmp_path / "run").step == 13
    assert [row["step"] for row in read_history(tmp_path / "run" / "history.csv")] == [6, 12, 13]


def test_other_data_is_refused(whole, data, config, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for file in data.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    manifest = other / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    with pytest.raises(UserError, match="other data"):
        train(config, other, whole[0])


def test_other_captions_or_pictures_to_learn_from_are_refused(whole, data, config, tmp_path):
    """A run that went on from memorized captions would count as one that saw all of them."""
    began = r"began without --overfit and --reconstructions, and would go on with "
    with pytest.raises(UserError, match=began + "--overfit 8"):
        train(config, data, whole[0], overfit=8)
    with pytest.raises(UserError, match=began + "--reconstructions runs/a"):
        train(config, data, whole[0], reconstructions="runs/a")
    _check_inputs(tmp_path, Inputs(overfit=8))  # a run of an earlier version
    for name in ("a", "a/b"):
        (tmp_path / name).mkdir()
    write_json(tmp_path / INPUTS, Inputs(reconstructions=str(tmp_path / "a")))
    same, other = (Inputs(reconstructions=f"{tmp_path}/a/{name}") for name in (".", "b"))
    _check_inputs(tmp_path, same)
    with pytest.raises(UserError, match=r"a, and would go on with --reconstructions .*/b"):
        _check_inputs(tmp_path, other)


def test_a_folder_of_something_else_is_refused(data, config, tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UserError, match="holds no run"):
        train(config, data, tmp_path)


def test_a_loss_of_nan_ends_the_run_and_keeps_the_last_good_checkpoint(
    data, config, tmp_path, monkeypatch
):
    def rate(optimizer, step, progress):
        return 1e-3 if step < 8 else float("nan")

    monkeypatch.setattr("pipelines.training.pacing.learning_rate", rate)
    with pytest.raises(
        UserError, match=r"The \w+ became nan at step 1\d\. .*step-00000006.* is kept"
    ):
        train(config, data, tmp_path / "run", checkpoint_seconds=NEVER)
    assert checkpoints.CheckpointFolder(tmp_path / "run" / "checkpoints").steps() == [6]


@pytest.mark.slow  # 80 steps
def test_overfitting_lowers_the_loss(data, tmp_path):
    optimizer = OptimizerConfig("adam", learning_rate=0.02, schedule="constant")
    config = dataclasses.replace(preset("captioner-tiny").config, xla=False)
    config = dataclasses.replace(config, steps=80, report_every=40, optimizer=optimizer)
    train(config, data, tmp_path / "run", overfit=8)
    first, last = read_history(tmp_path / "run" / "history.csv")
    assert last["loss"] < 0.75 * first["loss"]


@pytest.mark.parametrize("minutes", [1 / 60, 1e-9])
def test_a_clock_ends_a_training_after_a_step_at_least(data, config, tmp_path, minutes):
    config = dataclasses.replace(config, minutes=minutes, report_every=10**6)
    outcome = train(config, data, tmp_path / "run")
    assert outcome.seconds >= 60 * minutes
    assert 1 <= outcome.step < config.report_every  # it did not wait for the end of an interval
    assert train(config, data, tmp_path / "run").step == outcome.step


def test_rounds_go_to_the_end_of_an_interval_and_then_over_whole_ones():
    assert training._steps_and_epochs(0, 100, 450) == (100, 4)
    assert training._steps_and_epochs(400, 100, 450) == (50, 1)
    assert training._steps_and_epochs(130, 100, 450) == (70, 1)
    assert training._steps_and_epochs(130, 100, None) == (70, 1)
