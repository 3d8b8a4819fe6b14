"""The whole evaluation, of tiny runs on a tiny data folder, and what it refuses."""

import dataclasses
import json
import random

import numpy as np
import pytest

from pipelines.cli import main
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.scenes.dataset import captions, render, sample_scene
from pipelines.evaluation import evaluate as evaluate_module
from pipelines.evaluation.evaluate import evaluate
from pipelines.evaluation.features import word_classifier
from pipelines.evaluation.likelihood.scorer import Scorer
from pipelines.evaluation.load_run import open_run
from pipelines.evaluation.retrieval.hard_candidates import RIGHT
from pipelines.evaluation.settings import Sizes
from pipelines.evaluation.summary_table import evaluation_notes
from pipelines.training.train import train
from t2i_tf.errors import UserError
from t2i_tf.presets import preset
from tests.data_folders import make_examples, write_data_folder

SMALL = {
    "captions": 12,
    "candidates": 5,
    "pictures": 10,
    "weighed": 2,
    "similar": 3,
    "samples": 2,
    "judged": 4,
}
FIGURE = {"value", "low", "high"}


def scenes(split, count, side=16):
    rng = random.Random(split)
    for k in range(count):
        scene = sample_scene(rng, held_out=split == "held_out")
        yield f"{split}{k}", render(scene, side, rng), captions(scene, rng), scene.attributes()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    counts = {"train": 24, "val": 8, "test": 14, "held_out": 6}
    splits = {split: list(scenes(split, count)) for split, count in counts.items()}
    return write_data_folder(tmp_path_factory.mktemp("evaluate") / "data", splits)


@pytest.fixture(autouse=True)
def quick_classifier(monkeypatch):
    short = word_classifier.train_classifier
    monkeypatch.setattr(word_classifier, "train_classifier", lambda *a: short(*a, steps=2))


def run(system, data, workdir, encoder=None, steps=2):
    config = preset(f"{system}-tiny").config
    config = dataclasses.replace(
        config, steps=steps, report_every=2, validation_pictures=8, xla=False, max_words=24
    )
    train(config, data, workdir, sentences=encoder)
    return workdir


@pytest.fixture(scope="module")
def draw(data, tmp_path_factory):
    return run("align-draw", data, tmp_path_factory.mktemp("draw") / "run")


@pytest.fixture(scope="module")
def encoder(data, tmp_path_factory):
    return run("skip-thought", data, tmp_path_factory.mktemp("encoder") / "run")


@pytest.fixture(scope="module")
def sharpener(data, encoder, tmp_path_factory):
    return run("sharpening", data, tmp_path_factory.mktemp("sharpener") / "run", encoder)


@pytest.fixture(scope="module")
def result(draw, data, sharpener, tmp_path_factory):
    patch = pytest.MonkeyPatch()
    short = word_classifier.train_classifier
    patch.setattr(word_classifier, "train_classifier", lambda *a: short(*a, steps=2))
    out = tmp_path_factory.mktemp("out") / "found.json"
    found = evaluate(draw, data, sharpen=sharpener, out=out, **SMALL)
    patch.undo()
    assert json.loads(out.read_text()) == found
    return found


def test_the_keys(result):
    assert result["system"] == "alignDRAW"
    assert result["run"]["finished"] and result["run"]["same_data"]
    assert result["run"]["step"] == 2 and result["run"]["config"] == "DrawConfig"
    for name in ("train", "test", "test_sharpened", "test_minus_floor", "importance_weighted"):
        assert set(result["bound"][name]) == FIGURE
        assert result["bound"][name]["low"] <= result["bound"][name]["value"]
    assert len(result["bound"]["kl_per_step"]) == 3
    for figures in (result["retrieval"], result["retrieval"]["s10"]):
        for name in ("r_at_1", "r_at_5", "r_at_10", "r_at_50", "median_rank"):
            assert set(figures[name]) == FIGURE
    assert result["retrieval"]["r_at_5"]["value"] == 100.0
    held_out = result["retrieval"]["held_out"]
    for figures in (held_out, held_out["minus_floor"], held_out["ceiling"]):
        assert set(figures["r_at_1"]) == FIGURE and figures["r_at_5"]["value"] == 100.0
    assert (held_out["captions"], held_out["candidates"]) == (6, 5) and "s10" not in held_out
    for figures in (result["ssim"], result["ssim"]["sharpened"]):
        assert set(figures["mean"]) == set(figures["spread"]) == FIGURE
    accuracy = result["caption_accuracy"]
    assert result["retrieval"]["ceiling"]["r_at_1"]["value"] > 50.0
    assert len(result["settings"]["classifier"]) == 64
    for kind in ("seen", "held_out", "judge", "judge_held_out"):
        assert set(accuracy[kind]) == {"colour", "background", "object", "place"}
    assert accuracy["judge"]["background"]["value"] > accuracy["seen"]["background"]["value"]
    assert set(result["diversity"]["drawn"]) == FIGURE
    assert 0 <= result["precision_recall"]["classifier"]["precision"]["value"] <= 1
    assert result["kid"]["inception"] is None and set(result["kid"]["classifier"]) == FIGURE


def test_it_is_the_same_again(result, draw, data, tmp_path):
    again = evaluate(draw, data, out=tmp_path / "again.json", **SMALL)
    for name in ("retrieval", "caption_accuracy", "precision_recall"):
        assert again[name] == result[name], name
    assert again["bound"]["test"] == result["bound"]["test"]
    assert again["bound"]["test_sharpened"] is None and again["ssim"]["sharpened"] is None


def test_the_command_and_a_half_trained_gan(data, encoder, tmp_path, capsys):
    workdir = run("lapgan", data, tmp_path / "gan", encoder)
    config = json.loads((workdir / "config.json").read_text())
    (workdir / "config.json").write_text(json.dumps(config | {"steps": 8}))
    flags = [text for name, size in SMALL.items() for text in (f"--{name}", str(size))]
    assert main(["evaluate", "--workdir", str(workdir), "--data", str(data), *flags]) == 0
    shown = capsys.readouterr().out
    assert "LAPGAN has no bound" in shown and "25% of the run's budget" in shown
    found = json.loads((workdir / "evaluation.json").read_text())
    assert found["bound"] is None and found["retrieval"] is None
    assert found["run"]["budget_spent"] == 0.25 and not found["run"]["finished"]
    assert found["ssim"]["mean"]["value"] < 1
    assert len(evaluation_notes(found)) == 2


def test_held_out_captions_search_among_pictures_of_both_kinds(draw, data, monkeypatch):
    asked = []

    def record(scorer, images, captions, chosen, mean, *, few=0, seed=0):
        asked.append((len(images), len(captions), chosen))
        return measure(scorer, images, captions, chosen, mean, few=few, seed=seed)

    measure = evaluate_module.measure_retrieval
    monkeypatch.setattr(evaluate_module, "measure_retrieval", record)
    evaluate(draw, data, out=draw / "both.json", **SMALL | {"samples": 1, "candidates": 12})
    (_, _, seen), (pictures, captions, held_out) = asked
    assert pictures == 6 + 14 and captions == len(held_out) == 6 and len(seen) == 12
    assert (held_out[:, RIGHT] == np.arange(6)).all()  # the held-out pictures stand first
    assert (held_out >= 6).any()


def test_what_is_refused(draw, data, encoder, sharpener, tmp_path):
    def refused(match, workdir=draw, folder=data, **more):
        with pytest.raises(UserError, match=match):
            evaluate(workdir, folder, out=tmp_path / "none.json", **(SMALL | more))

    refused("Expected --judged of 1 or more, got 0", judged=0)
    refused("Expected --candidates of 2 or more", candidates=1)
    refused("Expected a seed of 0 or more, got -1", seed=-1)
    refused("Expected a split of new pictures .* got 'train'", split="train")
    with pytest.raises(UserError, match="Expected --out to be a file"):
        evaluate(draw, data, out=tmp_path, **SMALL)
    refused(r"needs as many pictures: the split 'test' .* has 14", candidates=15)
    refused("SkipThought, which draws no captions", workdir=encoder)
    refused("SharpeningGAN, which draws no captions", workdir=sharpener)
    refused("AlignDRAW, which sharpens nothing", sharpen=draw)
    refused("not a work folder", workdir=tmp_path / "nowhere")
    refused("no such data folder", folder=tmp_path / "nowhere")
    refused("no such file of InceptionV3", inception=tmp_path / "weights.h5")
    refused("expected one of|no split|train, val", split="tset")
    examples = {name: make_examples(16, shape=(16, 16, 3)) for name in ("train", "test")}
    refused("is another one", folder=write_data_folder(tmp_path / "words", examples))
    examples = {name: make_examples(16, shape=(12, 16, 3)) for name in ("train", "test")}
    refused(r"16 x 16 x 3 .* are 12 x 16 x 3", folder=write_data_folder(tmp_path / "s", examples))
    for path in (draw / "checkpoints").glob("*.npz"):
        (tmp_path / "run" / "checkpoints").mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / "checkpoints" / path.name).write_bytes(path.read_bytes()[:1000])
    for name in ("config.json", "vocabulary.txt"):
        (tmp_path / "run" / name).write_bytes((draw / name).read_bytes())
    refused("damaged", workdir=tmp_path / "run")
    assert not (tmp_path / "none.json").exists()


def test_weights_that_are_no_numbers(draw, data):
    trained = open_run(draw, DataFolder.open(data))
    for weight in trained.model.trainable_weights:
        weight.assign(np.full(weight.shape, np.nan))
    with pytest.raises(UserError, match="infinite or no numbers"):
        images, captions = np.zeros((2, 16, 16, 3), np.uint8), ["a red bus", "a dog"]
        scorer = Scorer(trained, batch=2)
        scorer.terms(images, scorer.read(captions), np.arange(2), "Bounds")


def test_quick_is_small_and_keeps_what_is_smaller():
    quick = Sizes(captions=30, quick=True).reduced()
    assert (quick.captions, quick.candidates) == (30, 100)
    assert quick.pictures <= 100 and quick.samples <= 10
    assert Sizes(captions=30).reduced() == Sizes(captions=30)


def test_figures_of_pictures_that_tell_nothing(tmp_path):
    examples = {name: make_examples(8, shape=(16, 16, 3)) for name in ("train", "val", "test")}
    folder = write_data_folder(tmp_path / "data", examples)
    workdir = run("noalign-draw", folder, tmp_path / "run")
    found = evaluate(workdir, folder, **SMALL | {"samples": 1})
    assert found["caption_accuracy"] is None and found["diversity"] is None
    assert np.isfinite(found["bound"]["test"]["value"])
    assert found["retrieval"]["held_out"] is None
