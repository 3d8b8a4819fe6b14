import functools
import json
from dataclasses import replace

import numpy as np
import pytest

from t2i_tf import checkpoints
from t2i_tf.checkpoints import CheckpointFolder
from t2i_tf.config import OptimizerConfig, TrainConfig
from t2i_tf.errors import UserError
from t2i_tf.models import build_model
from t2i_tf.optimizers import build_optimizer
from t2i_tf.text.vocabulary import Vocabulary
from tests.t2i_tf import tiny
from tests.t2i_tf.damaged_arrays import NO_HEADERS, write_npz

CONFIG = TrainConfig(model=tiny.CONFIG, optimizer=OptimizerConfig(name="adam", ema=0.5))
VOCABULARY = Vocabulary.from_counts(dict.fromkeys("abcdefghi", 1))


def compiled(config=CONFIG):
    model = build_model(config.model, seed=1)
    model.compile(build_optimizer(config.optimizer), jit_compile=False)
    return model


@pytest.fixture(scope="module")
def model():
    return compiled()


@pytest.fixture
def folder(tmp_path):
    return CheckpointFolder(tmp_path / "checkpoints")


def advance(model, step):
    """Values for every variable that only `step` gives."""
    model.optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(step)
    for variable in values(model):
        variable.assign(rng.uniform(0, 1, variable.shape))
    model.optimizer.iterations.assign(step)


def values(model):
    metrics = [variable for metric in model.metrics for variable in metric.variables]
    return [v for v in model.weights + model.optimizer.variables + metrics if v.dtype == "float32"]


def save(folder, model, *steps):
    for step in steps:
        advance(model, step)
        folder.save(model, {"step": step})


def damage(path):
    path.write_bytes(path.read_bytes()[:-1000])


def flip_a_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def test_restoring_gives_back_weights_optimizer_metrics_and_progress_exactly(folder, model):
    save(folder, model, 7)
    saved = [variable.numpy() for variable in values(model)]
    advance(model, 8)
    assert folder.restore_newest(model) == {"step": 7}
    assert int(model.optimizer.iterations) == 7
    for variable, expected in zip(values(model), saved, strict=True):
        np.testing.assert_array_equal(variable.numpy(), expected, err_msg=variable.path)


def test_no_checkpoint_restores_nothing(folder, model):
    assert folder.restore_newest(model) is None


@pytest.mark.parametrize(
    "spoil",
    [
        damage,
        flip_a_byte,
        lambda path: path.write_bytes(b""),
        *(functools.partial(write_npz, header=header) for header in NO_HEADERS),
    ],
)
def test_a_damaged_newest_checkpoint_is_named_and_the_one_before_is_taken(folder, model, spoil):
    save(folder, model, 1, 2)
    spoil(folder.path(2))
    said = []
    assert folder.restore_newest(model, said.append) == {"step": 1}
    assert int(model.optimizer.iterations) == 1
    assert len(said) == 1
    assert folder.path(2).name in said[0] and "\n" not in said[0]


def test_all_checkpoints_damaged_is_an_error_that_names_them(folder, model):
    save(folder, model, 1, 2)
    for step in (1, 2):
        damage(folder.path(step))
    with pytest.raises(UserError, match=r"step-00000002\.npz, step-00000001\.npz"):
        folder.restore_newest(model, lambda _: None)


@pytest.mark.parametrize(
    "other, difference",
    [
        (tiny.config(decoder_units=4), r"expected 'model/.*' with the shape \(.*\), found \(.*\)"),
        (tiny.config(conditioning="average"), "only the checkpoint has '.*align"),
    ],
)
def test_a_checkpoint_of_another_model_is_refused_with_the_difference(
    folder, model, other, difference
):
    save(folder, model, 1)
    with pytest.raises(UserError, match=difference):
        folder.restore_newest(compiled(replace(CONFIG, model=other)))


def test_the_last_few_and_the_best_are_kept(tmp_path, model):
    folder = CheckpointFolder(tmp_path, keep=2)
    save(folder, model, 1, 2)
    folder.mark_best(1, loss=10.0)
    save(folder, model, 3, 4)
    assert folder.steps() == [1, 3, 4]
    assert folder.best() == 1
    folder.mark_best(4, loss=9.0)
    save(folder, model, 5)
    assert folder.steps() == [4, 5]


@pytest.mark.parametrize(
    "text", ["", "[]", "3", '{"step": "x", "loss": 1}', '{"step": null}', "{}"]
)
def test_a_record_of_the_best_that_says_nothing_is_none(tmp_path, text):
    folder = CheckpointFolder(tmp_path)
    (tmp_path / "best.json").write_text(text)
    assert folder.best() is None and folder.best_loss() == float("inf")


def test_a_failed_write_leaves_nothing_behind(folder, model, monkeypatch):
    save(folder, model, 1)

    def fail(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="No space"):
        save(folder, model, 2)
    assert [path.name for path in folder.folder.iterdir()] == [folder.path(1).name]


@pytest.fixture
def workdir(tmp_path, model):
    checkpoints.write_config(tmp_path, CONFIG)
    VOCABULARY.save(tmp_path / "vocabulary.txt")
    folder = CheckpointFolder(tmp_path / "checkpoints")
    save(folder, model, 1, 2)
    return tmp_path


def test_load_gives_the_averaged_weights(workdir, model):
    trained = checkpoints.load(workdir)
    assert (trained.step, trained.config) == (2, CONFIG)
    assert trained.vocabulary == VOCABULARY
    averages = model.optimizer._model_variables_moving_average
    for weight, average in zip(trained.model.trainable_variables, averages, strict=True):
        np.testing.assert_array_equal(weight, average)


def test_before_the_first_step_load_gives_the_weights_which_have_no_averages_yet(workdir):
    initial = compiled()
    CheckpointFolder(workdir / "checkpoints", keep=9).save(initial, {})
    CheckpointFolder(workdir / "checkpoints").mark_best(0, loss=3.0)
    loaded = checkpoints.load(workdir).model.weights
    for weight, expected in zip(loaded, initial.weights, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_load_refuses_weights_that_are_no_numbers(workdir):
    model = compiled()
    advance(model, 4)
    averages = model.optimizer._model_variables_moving_average
    averages[0].assign(np.full(averages[0].shape, np.nan))
    CheckpointFolder(workdir / "checkpoints").save(model, {"step": 4})
    with pytest.raises(UserError, match="training diverged: the weight"):
        checkpoints.load(workdir, "last")


def test_load_gives_the_best_or_the_last(workdir):
    CheckpointFolder(workdir / "checkpoints").mark_best(1, loss=3.0)
    assert checkpoints.load(workdir).step == 1
    assert checkpoints.load(workdir, "last").step == 2


def test_load_refuses_what_is_no_work_folder(tmp_path):
    with pytest.raises(UserError, match="not a work folder"):
        checkpoints.load(tmp_path)


def test_load_refuses_a_vocabulary_of_another_size(workdir):
    Vocabulary.from_counts({"one": 1}).save(workdir / "vocabulary.txt")
    with pytest.raises(UserError, match=r"3 words.*11"):
        checkpoints.load(workdir)


@pytest.mark.parametrize("text", ['{"step": 1, "loss": 3.0}', '{"step": '])
def test_load_takes_the_newest_where_the_best_is_missing_and_says_so(workdir, capsys, text):
    folder = CheckpointFolder(workdir / "checkpoints")
    newest = folder.steps()[-1]
    folder.path(1).unlink(missing_ok=True)
    (folder.folder / "best.json").write_text(text)
    assert checkpoints.load(workdir).step == newest
    assert "best.json names no checkpoint that is there" in capsys.readouterr().out


def test_load_takes_a_whole_checkpoint_where_the_best_is_damaged_and_says_so(workdir, capsys):
    folder = CheckpointFolder(workdir / "checkpoints")
    folder.mark_best(1, loss=3.0)
    damage(folder.path(1))
    assert checkpoints.load(workdir).step == 2
    assert "step-00000001.npz is damaged" in capsys.readouterr().out
    damage(folder.path(2))
    with pytest.raises(UserError, match="All checkpoints"):
        checkpoints.load(workdir)


def test_a_config_survives_its_file_and_a_wrong_one_is_named_by_its_field(tmp_path):
    checkpoints.write_config(tmp_path, CONFIG)
    assert checkpoints.read_config(tmp_path) == CONFIG
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"batch_size": "many"}))
    with pytest.raises(UserError, match="batch_size"):
        checkpoints.read_config(tmp_path)


@pytest.mark.parametrize("part, misspelt", [(None, "batch_sise"), ("model", "hight")])
def test_a_misspelt_setting_is_not_ignored(part, misspelt, tmp_path):
    checkpoints.write_config(tmp_path, CONFIG)
    path = tmp_path / "config.json"
    content = json.loads(path.read_text())
    (content[part] if part else content)[misspelt] = 4
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=rf"no setting '.*{misspelt}'\. Did you mean '[a-z_]+'\?"):
        checkpoints.read_config(tmp_path)
