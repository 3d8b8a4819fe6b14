"""Requirements that every model has to meet; a model without a tiny preset fails the suite."""

import dataclasses
import importlib
import math
import pkgutil
import shutil
from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf

import t2i_tf
import t2i_tf.models
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.sampling.sampler import Sampler
from pipelines.training.history import read_history
from pipelines.training.train import train
from serving.export.choose_module import build_served_module
from serving.export.export import save
from serving.export.validate import check
from t2i_tf import checkpoints
from t2i_tf.errors import UsageError, UserError
from t2i_tf.models import TrainableModel, build_model
from t2i_tf.models.text_to_image import DROPPED
from t2i_tf.optimizers import build_optimizer
from t2i_tf.presets import PRESETS, TEST_PRESETS, preset
from tests.data_folders import make_examples, write_data_folder

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

SHAPE = (16, 16, 3)
SYSTEMS = [name.removesuffix("-tiny") for name in TEST_PRESETS]
# In `make test` two systems stand for all, alignDRAW and the sentence encoder, which draws
# nothing. The others have quick tests of their own, and meet these in `make test-all`.
QUICK = {"align-draw", "skip-thought"}
# Systems with another likelihood than the paper's, or more scales than one: their name -> the name
# of their preset, and what differs from it.
CHANGED = {
    f"{name}-logistic": (name, {"likelihood": "logistic"})
    for name in ("fully-connected-vae", "align-draw")
} | {"conv-draw-scales": ("conv-draw", {"scales": 2})}
CAPTIONS = ["a red bus", "a small green dog old tree", "new car"]
SEEDS = [3, 4, 5]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    examples = {
        split: make_examples(count, seed=k, shape=SHAPE, prefix=split)
        for k, (split, count) in enumerate({"train": 40, "val": 16, "test": 8}.items())
    }
    return write_data_folder(tmp_path_factory.mktemp("conformance") / "data", examples)


@pytest.fixture(scope="module")
def run_of(data, tmp_path_factory):
    """A function that trains a system once, four steps in one go: its work folder."""

    @cache
    def trained(system):
        encoder = encoder_of(system, trained)
        return run(system, data, tmp_path_factory.mktemp(system) / "run", encoder)

    return trained


def encoder_of(system, run_of):
    """The sentence encoder that a system reads, if it reads one."""
    return run_of("skip-thought") if tiny_config(system).reads_sentences else None


def tiny_config(system):
    """The config of the system's tiny preset, with what its name changes."""
    name, changes = CHANGED.get(system, (system, {}))
    config = preset(f"{name}-tiny").config
    return dataclasses.replace(config, model=dataclasses.replace(config.model, **changes))


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(system, marks=() if system in QUICK else pytest.mark.slow)
        for system in (*SYSTEMS, *CHANGED)
    ],
)
def system(request):
    return request.param


@pytest.fixture(scope="module")
def workdir(system, run_of):
    return run_of(system)


@pytest.fixture(scope="module")
def trained(workdir):
    return checkpoints.load(workdir, "last")


def run(system, data, workdir, encoder=None):
    config = tiny_config(system)
    optimizer = dataclasses.replace(config.optimizer, schedule="constant")
    config = dataclasses.replace(
        config,
        optimizer=optimizer,
        steps=4,
        report_every=2,
        validation_pictures=8,
        xla=False,
        deterministic=True,
    )
    # Checkpoints at the ends of intervals alone, however slow the machine is.
    train(config, data, workdir, sentences=encoder, checkpoint_seconds=math.inf)
    return workdir


def images(count=3):
    return np.random.default_rng(0).integers(0, 256, (count, *SHAPE), np.uint8)


def answers(trained, rows=slice(None)):
    """A model's output for fixed captions, images and seeds."""
    model = trained.model
    caption = trained.reader(tf.constant(CAPTIONS[rows]))
    image = images()[rows]
    if hasattr(model, "generate"):
        return model.generate(caption, model.noise(SEEDS[rows])).canvases.numpy()
    if hasattr(model, "sharpen"):
        return model.sharpen(image / np.float32(255), caption).numpy()
    if hasattr(model, "describe"):
        return model.describe(image).token_ids.numpy()
    return model.sentence_encoder(trained.vocabulary)(tf.constant(CAPTIONS[rows])).numpy()


def test_no_model_is_left_out():
    for module in pkgutil.iter_modules(t2i_tf.models.__path__, "t2i_tf.models."):
        importlib.import_module(module.name)
    built = {type(build_model(preset(f"{system}-tiny").config.model)) for system in SYSTEMS}
    assert built == set(leaves(TrainableModel))


def leaves(kind):
    """The library's classes below one that have no subclasses."""
    below = [sub for sub in kind.__subclasses__() if sub.__module__.startswith("t2i_tf.")]
    return [leaf for sub in below for leaf in leaves(sub)] if below else [kind]


@pytest.mark.parametrize("world", ["scenes", "mnist", "mnist-hour", "coco", "photos"])
@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_has_presets(name, world):
    entry = PRESETS[f"{name}-{world}"]
    assert all((entry.data, entry.cost, entry.expect, entry.next))
    assert type(entry.config.model) is type(preset(f"{name}-tiny").config.model)


def test_a_step_moves_every_weight_and_breaks_none(workdir, trained):
    folder = checkpoints.CheckpointFolder(workdir / "checkpoints")
    with np.load(folder.path(2)) as before, np.load(folder.path(4)) as after:
        for variable in trained.model.trainable_variables:
            name = f"model/{variable.path}"
            assert np.isfinite(after[name]).all(), name
            assert (before[name] != after[name]).any(), name
    rows = read_history(workdir / "history.csv")
    assert [row["step"] for row in rows] == [2, 4]
    assert all(np.isfinite(list(row.values())).all() for row in rows)


def test_outputs_do_not_depend_on_the_batch(trained):
    together = answers(trained)
    assert np.isfinite(together).all()
    np.testing.assert_allclose(answers(trained), together, rtol=0, atol=0)
    for k in range(len(CAPTIONS)):
        alone = answers(trained, slice(k, k + 1))
        np.testing.assert_allclose(alone, together[k : k + 1], atol=2e-5)


def test_a_drawing_follows_seed_and_caption(trained):
    if not hasattr(trained.model, "generate"):
        assert "score" not in build_served_module(trained).signatures()
        return
    caption = trained.reader(tf.constant(CAPTIONS))
    one, other = (
        trained.model.generate(caption, trained.model.noise([seed] * 3)).image for seed in (1, 2)
    )
    assert np.abs(one - other).max() > 0
    turned = trained.model.generate(caption[::-1], trained.model.noise([1] * 3)).image
    assert np.abs(turned - one).max() > 0 and np.abs(turned[1] - one[1]).max() < 2e-5


def test_learns_an_empty_caption_and_is_guided_away_from_it(trained):
    config = trained.config.model
    if not hasattr(trained.model, "generate"):
        with pytest.raises(UsageError, match="--caption-dropout"):
            build_model(config, caption_dropout=0.5)
        return
    with pytest.raises(UserError, match="--caption-dropout"):
        trained.model.empty_caption(trained.reader(tf.constant(CAPTIONS)))
    model = build_model(config, caption_dropout=0.5)
    caption, noise = trained.reader(tf.constant(CAPTIONS)), model.noise(SEEDS)
    empty = model.empty_caption(caption)
    assert empty.shape == caption.shape and empty.dtype == caption.dtype
    dropped = tf.constant([True, False, True])
    batch = {"image": tf.constant(images()), model.reads: caption}
    for mixed, expected in zip(
        model.read_captions(batch | {DROPPED: dropped}),
        (empty[0], caption[1], empty[2]),
        strict=True,
    ):
        np.testing.assert_array_equal(mixed, expected)
    plain = model.generate(caption, noise).canvases
    if not model.can_be_guided:
        with pytest.raises(UserError, match="cannot be guided"):
            model.generate(caption, noise, 1.0)
        return
    unguided, guided = (
        model.generate(caption, noise, tf.fill([3], w)).canvases for w in (0.0, 1.5)
    )
    np.testing.assert_array_equal(unguided, plain)
    assert np.abs(guided - plain).max() > 0
    assert {"draw_guided", "draw_best"} <= {
        s.name for s in build_served_module(trained._replace(model=model)).methods
    }


def test_loads_what_was_saved(workdir, trained):
    folder = checkpoints.CheckpointFolder(workdir / "checkpoints")
    averaged = [
        f"optimizer/{v.path}" for v in trained.model.optimizer._model_variables_moving_average
    ]
    with np.load(folder.path(4)) as saved:
        for variable, name in zip(trained.model.trainable_variables, averaged, strict=True):
            np.testing.assert_array_equal(saved[name], variable.numpy(), err_msg=name)
    np.testing.assert_array_equal(answers(checkpoints.load(workdir, "last")), answers(trained))


def pretrained_answers(model):
    """What a loaded model makes of strings and pixels."""
    if isinstance(model, t2i_tf.ImageToText):
        return model.generate(images())
    if isinstance(model, t2i_tf.ImageToImage):
        return model.generate(images(), CAPTIONS)
    return model.generate(CAPTIONS)


def test_loads_in_one_line_and_saves_as_a_keras_file_and_as_a_preset(workdir, tmp_path):
    model = t2i_tf.PretrainedModel.from_preset(workdir)
    expected = pretrained_answers(model)
    model.save(tmp_path / "x.keras")
    model.save_to_preset(tmp_path / "preset")
    for loaded in (
        keras.saving.load_model(tmp_path / "x.keras"),
        type(model).from_preset(tmp_path / "preset"),
    ):
        assert type(loaded) is type(model)
        np.testing.assert_array_equal(pretrained_answers(loaded), expected)
    if isinstance(model, t2i_tf.TextToImage):
        drawn = Sampler(checkpoints.load(workdir)).draw(CAPTIONS)
        np.testing.assert_array_equal([row[0].image for row in drawn], expected)


def test_resumes_exactly(system, workdir, data, tmp_path):
    shutil.copytree(workdir, tmp_path / "run")
    (tmp_path / "run" / "checkpoints" / "step-00000004.npz").unlink()
    run(system, data, tmp_path / "run")
    name = "checkpoints/step-00000004.npz"
    with np.load(workdir / name) as whole, np.load(tmp_path / "run" / name) as resumed:
        assert set(whole.files) == set(resumed.files)
        for key in set(whole.files) - {"progress"}:
            np.testing.assert_array_equal(whole[key], resumed[key], err_msg=key)


def test_exports_and_answers_as_the_model_does(trained, tmp_path):
    model = build_served_module(trained)
    save(model, tmp_path / "1")
    *passed, answers = check(tmp_path / "1", model)
    assert len(passed) == 4 and "the model's own" in answers


def test_a_checkpoint_of_another_system_is_refused(system, workdir, trained):
    other = "align-draw" if system != "align-draw" else "noalign-draw"
    model = build_model(preset(f"{other}-tiny").config.model)
    model.compile(build_optimizer(trained.config.optimizer), jit_compile=False)
    path = checkpoints.CheckpointFolder(workdir / "checkpoints").path(4)
    with pytest.raises(UserError, match="belongs to another model"):
        checkpoints.restore(path, model)


def test_the_data_of_another_run_is_refused(system, workdir, run_of, tmp_path):
    examples = {name: make_examples(16, seed=9, shape=SHAPE) for name in ("train", "val")}
    other = write_data_folder(tmp_path / "other", examples)
    assert DataFolder.open(other).shape == SHAPE
    with pytest.raises(UserError, match=r"trained on other data|other settings"):
        run(system, other, workdir, encoder_of(system, run_of))
