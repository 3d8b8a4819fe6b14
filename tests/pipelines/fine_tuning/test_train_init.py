import dataclasses
import json
import math
import shutil

import numpy as np
import pytest

from pipelines.cli import main
from pipelines.fine_tuning.initial_weights import open_initial
from pipelines.preset_choice.starting_point import starting_point
from pipelines.training import train as training
from pipelines.training.train import train
from pipelines.training.workdir import smoke
from t2i_tf import checkpoints
from t2i_tf.config import SkipThoughtConfig
from t2i_tf.errors import UserError
from t2i_tf.hub import find_preset, hugging_face
from t2i_tf.hub.pretrained import PretrainedModel
from t2i_tf.models import build_model
from t2i_tf.presets import preset
from t2i_tf.text.vocabulary import Vocabulary
from tests.data_folders import WORDS, make_examples, write_data_folder
from tests.t2i_tf.hub.tiny_runs import write_run
from tests.t2i_tf.tiny import CONFIG

pytestmark = pytest.mark.usefixtures("without_graphs")

SHAPE = (6, 9, 3)  # of `CONFIG`
SPLITS = ("train", "val")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    splits = {
        "train": make_examples(20, shape=SHAPE),
        "val": make_examples(8, seed=1, shape=SHAPE, prefix="val"),
    }
    return write_data_folder(tmp_path_factory.mktemp("init") / "data", splits)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run whose vocabulary has some words of the data, and others."""
    words = (*WORDS[:6], "zebra")
    return write_run(tmp_path_factory.mktemp("init") / "trained", words=words, caption_dropout=0.1)


@pytest.fixture(scope="module")
def config():
    config = preset("align-draw-tiny").config
    return dataclasses.replace(
        config,
        model=CONFIG,
        caption_dropout=0.1,
        xla=False,
        deterministic=True,
        steps=4,
        report_every=2,
        validation_pictures=4,
    )


@pytest.fixture
def at_once(monkeypatch):
    """Trainings end at once, with a checkpoint; returns the weights that they began with."""
    seen = {}

    def train_nothing(model, config, batches, vocabulary, workdir, *_):
        seen.update({variable.path: variable.numpy() for variable in model.weights})
        checkpoints.CheckpointFolder(workdir / "checkpoints").save(model, {"elapsed": 0.0})

    monkeypatch.setattr(training, "_train", train_nothing)
    monkeypatch.setattr(training, "_open_batches", lambda *_: None)  # it would take half the time
    return seen


def test_training_begins_with_the_weights_and_says_so(
    data, trained, config, tmp_path, at_once, capsys
):
    train(config, data, tmp_path / "run", init=str(trained))
    source = PretrainedModel.from_preset(trained)
    for variable in source.network.weights:
        if "embedding" not in variable.path:
            np.testing.assert_array_equal(at_once[variable.path], variable, err_msg=variable.path)
    said = capsys.readouterr().out
    assert f"Begins from {trained} (alignDRAW, step 0): 31 of 31 weight tensors taken." in said
    assert "Words: 6 keep their rows, 7 are new and begin at the mean; 1 of its words" in said
    assert "Not taken" not in said
    record = json.loads((tmp_path / "run" / "init.json").read_text())
    assert record["init"] == str(trained) and record["new_words"] == 7
    assert record["taken"] == 31 and record["not_taken"] == {}


def test_what_is_not_taken_is_said_and_recorded(data, trained, config, tmp_path, at_once, capsys):
    model = dataclasses.replace(CONFIG, decoder_units=9)
    train(dataclasses.replace(config, model=model), data, tmp_path / "run", init=str(trained))
    said = capsys.readouterr().out
    record = json.loads((tmp_path / "run" / "init.json").read_text())
    count = len(record["not_taken"])
    assert f"{31 - count} of 31 weight tensors taken" in said
    assert f"Not taken, {count}: " in said and f"and {count - 6} more, listed in init.json" in said
    assert "expected the shape (" in said
    assert f"--model.decoder-units 9, there {config.model.decoder_units}." in said


def test_another_likelihood_and_a_lost_or_new_empty_caption_are_said(
    data, trained, config, tmp_path, at_once, capsys
):
    without = dataclasses.replace(config, caption_dropout=0.0)
    train(without, data, tmp_path / "without", init=str(trained))
    said = capsys.readouterr().out
    assert f"The empty caption of {trained} is not taken" in said and "Not taken, " not in said
    plain = str(tmp_path / "without")
    logistic = dataclasses.replace(CONFIG, likelihood="logistic")
    train(dataclasses.replace(config, model=logistic), data, tmp_path / "with", init=plain)
    said = capsys.readouterr().out
    assert f"{plain} was trained without --caption-dropout: the empty caption begins" in said
    assert " --likelihood logistic, there bernoulli" in said
    assert "likelihood/log_scales (the trained model has none)" in said
    train(config, data, tmp_path / "both", init=str(trained))
    assert "empty caption" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "kind", [*(pytest.param(one, marks=pytest.mark.slow) for one in ("file", "shipped")), "hub"]
)
def test_weights_by_any_name_are_the_same_beginning(
    kind, data, trained, config, tmp_path, at_once, monkeypatch, capsys
):
    source, named = PretrainedModel.from_preset(trained), {"shipped": "one", "hub": "hf://user/one"}
    named["file"] = str(tmp_path / "one.keras")
    if kind == "file":
        source.save(named["file"])
    else:
        source.save_to_preset(tmp_path / "presets" / "one")
    monkeypatch.setattr(find_preset, "SHIPPED", tmp_path / "presets")
    monkeypatch.setattr(hugging_face, "download", lambda _: tmp_path / "presets" / "one")
    train(config, data, tmp_path / "run", init=named[kind])
    said = capsys.readouterr().out
    assert f"Begins from {named[kind]} (alignDRAW, step 0): 31 of 31 weight" in said
    assert "Words: 6 keep their rows, 7 are new" in said
    for variable in source.network.weights:
        if "embedding" not in variable.path:
            np.testing.assert_array_equal(at_once[variable.path], variable, err_msg=variable.path)

    def unreachable(_):
        raise UserError("The hub cannot be reached.")

    monkeypatch.setattr(hugging_face, "download", unreachable)
    train(config, data, tmp_path / "run", init=named[kind])  # resumes without asking again
    assert not capsys.readouterr().out


@pytest.mark.slow
def test_a_begun_run_resumes_without_init_and_not_with_another(
    data, trained, config, tmp_path, at_once, capsys
):
    workdir = tmp_path / "run"
    train(config, data, workdir, init=str(trained))
    began = capsys.readouterr().out
    train(config, data, workdir, init=str(trained))
    train(config, data, workdir)
    assert "Begins from" in began and not capsys.readouterr().out
    train(config, data, workdir, init=f"{trained}/")  # another name of the same folder
    with pytest.raises(UserError, match=f"began from --init {trained}. Leave out --init"):
        train(config, data, workdir, init="elsewhere")
    train(config, data, tmp_path / "plain")
    with pytest.raises(UserError, match="began without --init"):
        train(config, data, tmp_path / "plain", init=str(trained))


def test_a_smoke_test_leaves_no_record_behind(data, trained, config, tmp_path, at_once):
    train(smoke(config), data, tmp_path / "run", init=str(trained))
    train(config, data, tmp_path / "run")
    assert not (tmp_path / "run" / "init.json").exists()


def test_a_damaged_record_is_one_sentence(data, config, tmp_path, at_once):
    workdir = tmp_path / "run"
    train(config, data, workdir)
    for contents in ("{", "[]", "{}", '{"init": 1, "system": "", "step": 0}'):
        (workdir / "init.json").write_text(contents)
        with pytest.raises(UserError, match=r"init\.json: "):
            open_initial("elsewhere", workdir, config)


def test_what_was_killed_before_its_first_checkpoint_can_begin_without(
    data, trained, config, tmp_path, at_once, capsys
):
    workdir = tmp_path / "run"
    train(config, data, workdir, init=str(trained))
    shutil.rmtree(workdir / "checkpoints")
    capsys.readouterr()
    train(config, data, workdir)
    assert "It begins from initial weights now, as --init is not given." in capsys.readouterr().out
    assert not (workdir / "init.json").exists()  # or the model card would say that it did


@pytest.mark.slow
def test_a_run_resumes_exactly(data, trained, config, tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(config, data, whole, init=str(trained), checkpoint_seconds=math.inf)
    shutil.copytree(whole, cut)
    (cut / "checkpoints" / "step-00000004.npz").unlink()
    train(config, data, cut, init=str(trained), checkpoint_seconds=math.inf)
    name = "checkpoints/step-00000004.npz"
    with np.load(whole / name) as expected, np.load(cut / name) as resumed:
        for key in set(expected.files) - {"progress"}:
            np.testing.assert_array_equal(resumed[key], expected[key], err_msg=key)


def test_a_system_that_reads_sentences_takes_its_encoder_along(data, tmp_path, at_once, capsys):
    config = dataclasses.replace(preset("fully-connected-vae-tiny").config, xla=False)
    encoder = build_model(SkipThoughtConfig(vocabulary_size=3, embedding_units=4, units=4))
    encoder.sentence_encoder(Vocabulary.from_counts({"a": 1})).save(tmp_path / "encoder.npz")
    first, second = tmp_path / "first", tmp_path / "second"
    train(config, data, first, sentences=tmp_path / "encoder.npz")
    other = write_data_folder(
        tmp_path / "other", {name: make_examples(8, seed=5, shape=SHAPE) for name in SPLITS}
    )
    train(config, other, second, init=str(first))
    said = capsys.readouterr().out
    assert f"Begins from {first} (" in said and "Not taken" not in said and "Words" not in said
    assert "sentence encoder is not that" not in said
    one, two = (checkpoints.load(folder).reader.fingerprint for folder in (first, second))
    assert one == two


def test_another_model_to_begin_from_brings_its_own_encoder(data, tmp_path, at_once, capsys):
    """Where the run began from another one, and was killed before its first checkpoint."""
    config = dataclasses.replace(preset("fully-connected-vae-tiny").config, xla=False)
    size = SkipThoughtConfig(vocabulary_size=3, embedding_units=4, units=4)
    runs = [tmp_path / "first", tmp_path / "second"]
    for seed, run in enumerate(runs):
        encoder = build_model(size, seed=seed).sentence_encoder(Vocabulary.from_counts({"a": 1}))
        encoder.save(tmp_path / f"{seed}.npz")
        train(config, data, run, sentences=tmp_path / f"{seed}.npz")
    workdir = tmp_path / "run"
    train(config, data, workdir, init=str(runs[0]))
    shutil.rmtree(workdir / "checkpoints")
    capsys.readouterr()
    train(config, data, workdir, init=str(runs[1]))
    said = capsys.readouterr().out
    assert f"Begins from {runs[1]} (" in said and "sentence encoder is not that" not in said
    one, two = (checkpoints.load(folder).reader.fingerprint for folder in (runs[1], workdir))
    assert one == two


def test_an_empty_name_is_refused_and_not_taken_for_none(data, tmp_path, capsys):
    """As of a shell's variable that is not set."""
    for more in ([], ["--preset", "align-draw-tiny"]):
        command = ["train", "--data", str(data), "--workdir", str(tmp_path / "run"), *more]
        assert main([*command, "--no-xla", "--init", ""]) == 2
        assert "Expected a value for --init, got an empty string" in capsys.readouterr().err


def test_pictures_of_another_size_are_refused(trained, tmp_path, capsys):
    splits = {name: make_examples(8, shape=(6, 6, 3)) for name in SPLITS}
    other = write_data_folder(tmp_path / "data", splits)
    command = ["train", "--preset", "align-draw-tiny", "--no-xla", "--init", str(trained)]
    assert main([*command, "--data", str(other), "--workdir", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert f"pictures of 6 x 6 x 3, {trained} was trained on 6 x 9 x 3 (height" in error
    assert "--height 6 --width 9 --channels 3" in error


def test_without_a_preset_the_model_has_the_sizes_of_the_trained_one(data, trained, tmp_path):
    start = starting_point(data, tmp_path / "run", init=str(trained))
    assert start.preset == "align-draw-photos"
    assert start.config.model.latent_units == CONFIG.latent_units
    assert start.config.caption_dropout == 0.1 and start.config.batch_size != 100
    assert f"The model has the sizes of {trained}." in start.lines
    with pytest.raises(UserError, match="There are no weights 'nowhere'"):
        starting_point(data, tmp_path / "run", init="nowhere")


@pytest.mark.slow
def test_the_command_begins_from_a_preset_folder(data, trained, tmp_path, capsys):
    PretrainedModel.from_preset(trained).save_to_preset(tmp_path / "preset", dtype="float16")
    command = ["train", "--init", str(tmp_path / "preset"), "--data", str(data), "--smoke"]
    assert main([*command, "--workdir", str(tmp_path / "run"), "--no-xla"]) == 0
    said = capsys.readouterr().out
    assert "31 of 31 weight tensors taken" in said and "The model has the sizes of" in said


def test_the_authors_window_and_reader_are_kept_without_a_preset(data, tmp_path, at_once, capsys):
    authors = {"window": "authors", "caption_reader": "authors", "learned_canvas": True}
    model = dataclasses.replace(CONFIG, **authors)
    source = str(write_run(tmp_path / "authors", model, words=WORDS[:4]))
    config = starting_point(data, tmp_path / "run", init=source).config
    train(dataclasses.replace(config, xla=False), data, tmp_path / "run", init=source)
    said = capsys.readouterr().out
    assert "Not taken" not in said and "otherwise" not in said and "convention" not in said
    found = checkpoints.read_config(tmp_path / "run").model
    assert {name: getattr(found, name) for name in authors} == authors
    assert checkpoints.load(tmp_path / "run").model.cell.convention == "authors"


def test_a_window_by_another_convention_is_said(data, trained, config, tmp_path, at_once, capsys):
    model = dataclasses.replace(config.model, window="authors")
    train(dataclasses.replace(config, model=model), data, tmp_path / "run", init=str(trained))
    assert "--model.window centred keeps them where they were" in capsys.readouterr().out
    train(config, data, tmp_path / "same", init=str(trained))
    assert "--model.window" not in capsys.readouterr().out
