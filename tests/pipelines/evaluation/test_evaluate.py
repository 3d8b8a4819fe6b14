"""The whole evaluation, of tiny runs on a tiny data folder, and what it refuses."""

import io
import json
import random
import shutil
from functools import cache, partial

import msgspec
import numpy as np
import pytest
from rich.console import Console

from pipelines.cli import main
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_images
from pipelines.data.scenes.dataset import captions, render, sample_scene
from pipelines.demo import demo as demo_module
from pipelines.evaluation import estimate, load_run, measurements
from pipelines.evaluation import evaluate as evaluate_module
from pipelines.evaluation.evaluate import evaluate
from pipelines.evaluation.features import word_classifier
from pipelines.evaluation.likelihood.scorer import Scorer
from pipelines.evaluation.load_run import open_run, summarize_run
from pipelines.evaluation.measurements import Measurements
from pipelines.evaluation.results import Evaluation, read_evaluation
from pipelines.evaluation.retrieval.hard_candidates import TARGET
from pipelines.evaluation.settings import Sizes
from pipelines.evaluation.sharpness import measure_sharpness
from pipelines.evaluation.summary_table import evaluation_notes, evaluation_table
from pipelines.judges import label_judge
from pipelines.sampling.sampler import Sampler
from pipelines.sampling.steering import Steering
from pipelines.training.train import Outcome
from t2i_tf import checkpoints
from t2i_tf.errors import UserError
from t2i_tf.hub import TextToImage
from t2i_tf.hub.pretrained import load_trained
from t2i_tf.metrics.bootstrap import bootstrap_interval
from tests.data_folders import make_examples, write_data_folder
from tests.pipelines.evaluation.evaluations import evaluation, gan_evaluation
from tests.pipelines.evaluation.work_folders import write_run

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

SMALL = {
    "captions": 12,
    "candidates": 5,
    "pictures": 10,
    "weighed": 2,
    "similar": 3,
    "samples": 2,
    "judged": 4,
}
ESTIMATE = {"value", "low", "high"}


def scenes(split, count, side=16):
    rng = random.Random(split)
    for k in range(count):
        scene = sample_scene(rng, held_out=split == "held_out")
        yield f"{split}{k}", render(scene, side, rng), captions(scene, rng), scene.attributes()


@pytest.fixture(scope="module", autouse=True)
def quick():
    """A classifier after two steps, intervals from few draws, and one judge of each size."""
    short = word_classifier.train_classifier
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_classifier, "train_classifier", lambda *a: short(*a, steps=2))
        patch.setattr(estimate, "bootstrap_interval", partial(bootstrap_interval, draws=50))
        patch.setattr(label_judge, "SceneJudge", cache(label_judge.SceneJudge))
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    counts = {"train": 24, "val": 8, "test": 14, "held_out": 16}
    splits = {split: list(scenes(split, count)) for split, count in counts.items()}
    return write_data_folder(tmp_path_factory.mktemp("evaluate") / "data", splits)


@pytest.fixture(scope="module")
def folder(data):
    return DataFolder.open(data)


@pytest.fixture(scope="module")
def draw(folder, tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("draw") / "run", "align-draw", folder, scale=0.4)


@pytest.fixture(scope="module")
def sharpener(folder, tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("sharpener") / "run", "sharpening", folder)


@pytest.fixture(scope="module")
def result_file(draw, data, sharpener, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "result.json"
    result = evaluate(draw, data, sharpen=sharpener, out=out, **SMALL)
    assert read_evaluation(out) == result
    return out


@pytest.fixture(scope="module")
def result(result_file):
    """What `evaluation.json` holds, as plain values: its keys are a format."""
    return json.loads(result_file.read_text())


def test_the_keys(result):
    assert result["system"] == "alignDRAW"
    assert result["run"]["finished"] and result["run"]["same_data"]
    assert result["run"]["step"] == 2 and result["run"]["config"] == "DrawConfig"
    for name in ("train", "test", "test_sharpened", "test_minus_floor", "importance_weighted"):
        assert set(result["bound"][name]) == ESTIMATE
        assert result["bound"][name]["low"] <= result["bound"][name]["value"]
    assert len(result["bound"]["kl_per_step"]) == 3 and "bits_per_dim" not in result["bound"]
    for ranking in (result["retrieval"], result["retrieval"]["s10"]):
        for name in ("r_at_1", "r_at_5", "r_at_10", "r_at_50", "median_rank"):
            assert set(ranking[name]) == ESTIMATE
    assert result["retrieval"]["r_at_5"]["value"] == 100.0
    held_out = result["retrieval"]["held_out"]
    for ranking in (held_out, held_out["minus_floor"], held_out["ceiling"]):
        assert set(ranking["r_at_1"]) == ESTIMATE and ranking["r_at_5"]["value"] == 100.0
    assert (held_out["pictures"], held_out["candidates"]) == (12, 5) and "s10" not in held_out
    assert len(held_out["ranks"]) == len(held_out["searched"]) == held_out["captions"] > 12
    for similarity in (result["ssim"], result["ssim"]["sharpened"], result["ssim"]["uniform"]):
        assert set(similarity["mean"]) == set(similarity["spread"]) == ESTIMATE
    accuracy = result["caption_accuracy"]
    assert result["retrieval"]["ceiling"]["r_at_1"]["value"] > 50.0
    assert len(result["settings"]["classifier"]) == 64
    for kind in ("seen", "held_out", "judge", "judge_held_out"):
        assert set(accuracy[kind]) == {"colour", "background", "object", "place"}
    assert accuracy["judge"]["background"]["value"] > accuracy["seen"]["background"]["value"]
    assert set(result["diversity"]["drawn"]) == ESTIMATE
    assert result["gradient"]["drawn"]["value"] > 0 and set(result["gradient"]["real"]) == ESTIMATE
    assert 0 <= result["precision_recall"]["classifier"]["precision"]["value"] <= 1
    assert result["kid"]["inception"] is None and set(result["kid"]["classifier"]) == ESTIMATE
    assert (
        result["frechet"]["classifier"]["value"] > 0 and result["frechet"]["efficientnet"] is None
    )
    real = result["real_against_real"]["classifier"]
    assert set(real) == {"precision", "recall", "kid", "frechet"}
    assert 0 < real["frechet"]["value"] < result["frechet"]["classifier"]["value"]
    assert "open_judge" not in result["settings"] or result["settings"]["open_judge"] is None
    assert set(result["seconds"]) == {"bounds", "retrieval", "samples", "accuracy", "realism"}


@pytest.mark.slow
def test_a_discrete_likelihood_is_reported_in_bits(folder, data, tmp_path):
    run = write_run(tmp_path / "vae", "fully-connected-vae", folder, likelihood="logistic")
    result = evaluate(run, data, **SMALL)
    written = json.loads((run / "evaluation.json").read_text())
    bits = written["bound"]["bits_per_dim"]
    assert set(bits) == {"test", "importance_weighted", "importance_gain"}
    assert all(set(estimate) == ESTIMATE for estimate in bits.values())
    own = written["bound"]["own"]["test"]["value"]
    assert bits["test"]["value"] == pytest.approx(-own / (16 * 16 * 3 * np.log(2)))
    assert written["retrieval"]["r_at_5"]["value"] == 100.0
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(evaluation_table(result))
    text = console.export_text()
    assert "bits per dimension: test" in text and f"{bits['test']['value']:.3f}" in text
    assert "bits per dimension: importance-weighted, K = 50" in text


@pytest.mark.slow
def test_it_is_the_same_again(result, draw, data, tmp_path):
    again = evaluate(draw, data, out=tmp_path / "again.json", **SMALL)
    plain = msgspec.to_builtins(again)
    for name in ("retrieval", "caption_accuracy", "precision_recall"):
        assert plain[name] == result[name], name
    assert plain["bound"]["test"] == result["bound"]["test"]
    assert again.bound.test_sharpened is None and again.ssim.sharpened is None


@pytest.mark.slow
def test_demo_and_sharpness_report_the_same_caption_accuracy(
    result, draw, data, sharpener, tmp_path, monkeypatch
):
    """The demo is given the data and the run: it draws, judges and reports."""
    for name, target in (("data", data), ("run", draw)):
        (tmp_path / name).symlink_to(target)
    for step in ("write_scenes", "CocoSource", "prepare"):
        monkeypatch.setattr(demo_module, step, lambda *_, **__: None)
    outcome = Outcome(step=2, seconds=1.0, loss=1.0, interrupted=False)
    monkeypatch.setattr(demo_module, "train", lambda *_, **__: outcome)
    report = demo_module.demo(tmp_path, preset_name="align-draw-tiny", judged=SMALL["judged"])
    shown = json.loads(report.with_suffix(".json").read_text())

    def values(kind):
        accuracy = result["caption_accuracy"][kind]
        return {name: found and found["value"] for name, found in accuracy.items()}

    assert shown["judge_accuracy"] == values("judge")
    assert shown["caption_accuracy"] == {kind: values(kind) for kind in ("seen", "held_out")}
    sharpness = measure_sharpness(draw, sharpener, data, pictures=SMALL["judged"])
    for name, value in values("seen").items():
        np.testing.assert_equal(sharpness["drawn"][name], np.nan if value is None else value)


def test_a_damaged_history_is_refused_before_anything_is_measured(
    data, folder, tmp_path, monkeypatch
):
    workdir = write_run(tmp_path / "gan", "lapgan", folder)
    (workdir / "history.csv").write_text("step\nfive\n")
    monkeypatch.setattr(Measurements, "samples", lambda self: pytest.fail("was measured"))
    with pytest.raises(UserError, match=r"history\.csv is not as `train` wrote it"):
        evaluate(workdir, data, **SMALL)


def test_the_command_and_a_half_trained_gan(data, folder, tmp_path, capsys):
    workdir = write_run(tmp_path / "gan", "lapgan", folder)
    config = json.loads((workdir / "config.json").read_text())
    (workdir / "config.json").write_text(json.dumps(config | {"steps": 8}))
    flags = [text for name, size in SMALL.items() for text in (f"--{name}", str(size))]
    assert main(["evaluate", "--workdir", str(workdir), "--data", str(data), *flags]) == 0
    shown = capsys.readouterr().out
    assert "LAPGAN has no bound" in shown and "25% of the run's budget" in shown
    found = read_evaluation(workdir / "evaluation.json")
    assert found.bound is None and found.retrieval is None
    assert found.run.budget_spent == 0.25 and not found.run.finished
    assert found.ssim.mean.value < 1
    assert len(evaluation_notes(found)) == 3


@pytest.fixture(scope="module")
def dropping(folder, tmp_path_factory):
    """A run whose model has an empty caption."""
    path = tmp_path_factory.mktemp("dropping") / "run"
    return write_run(path, "noalign-draw", folder, scale=0.4, caption_dropout=0.1)


@pytest.mark.slow
def test_an_empty_caption_gives_another_ranking(dropping, result, data, tmp_path):
    out = tmp_path / "evaluation.json"
    found = evaluate(dropping, data, out=out, **SMALL)
    plain = json.loads(out.read_text())
    for search in (plain["retrieval"], plain["retrieval"]["held_out"]):
        assert set(search["empty_caption"]["r_at_1"]) == ESTIMATE
        assert len(search["empty_caption"]["ranks"]) == search["captions"]
    assert result["retrieval"]["empty_caption"] is None
    assert result["settings"]["steering"] is None
    table = print_table(found, 200)
    assert "R@1, by L(x|y) - L(x|empty)" in table
    assert "held-out captions: R@1, by L(x|y) - L(x|empty)" in table


@pytest.mark.slow
def test_drawings_can_be_measured_steered(dropping, data, capsys):
    flags = [text for name, size in SMALL.items() for text in (f"--{name}", str(size))]
    command = ["evaluate", "--workdir", str(dropping), "--data", str(data), *flags]
    assert main([*command, "--guidance", "1.5", "--best-of", "2"]) == 0
    path = dropping / "evaluation-guidance-1.5-best-of-2.json"
    shown = capsys.readouterr().out
    assert "guidance 1.5, best of 2" in shown and path.name in shown.replace("\n", "")
    assert "Bounds and retrieval do not depend on how captions are drawn" in shown
    found = read_evaluation(path)
    assert found.bound is None and found.retrieval is None
    assert found.settings.steering == {
        "guidance": 1.5,
        "instead_of": None,
        "best_of": 2,
        "captioner": None,
    }
    assert found.caption_accuracy.held_out and found.kid["classifier"] and found.diversity
    assert not (dropping / "evaluation.json").exists()


def test_unknown_words_to_move_away_from_are_said(dropping, capsys):
    for instead_of, said in (("a purple zebra", "unknown word: purple, zebra."), (None, "")):
        sampler = Sampler(load_trained(dropping), steering=Steering(1.0, instead_of))
        evaluate_module._say_unknown_words(sampler)
        assert capsys.readouterr().out.endswith(f"{said}\n" if said else "")


class ColourJudge:
    """Stands for the open judge: features that need no weights."""

    def features(self, images):
        return np.float32(images.reshape(len(images), -1)[:, :7])


def test_the_open_judge_measures_if_it_is_asked(draw, data, tmp_path, monkeypatch):
    monkeypatch.setattr(measurements, "EfficientNet", ColourJudge)
    found = evaluate(draw, data, out=tmp_path / "evaluation.json", open_judge=True, **SMALL)
    assert found.kid["efficientnet"].low is None and found.frechet["efficientnet"].value > 0
    assert 0 <= found.real_against_real["efficientnet"].recall.value <= 1
    assert len(found.settings.open_judge) == 64
    shown = print_table(found, 200)
    assert "Fréchet distance, efficientnet, real pictures" in shown


def test_there_must_be_as_many_training_images_as_drawings(folder):
    images = measurements._training_images(folder, 24)
    np.testing.assert_array_equal(images, read_images(folder, "train").images)
    few = measurements._training_images(folder, 3)
    np.testing.assert_array_equal(few, images[[0, 12, 23]])
    assert measurements._training_images(folder, 25) is None


def test_held_out_captions_search_among_images_of_both_kinds(draw, folder, monkeypatch):
    searches = []

    def record(images, captions, candidates, **_):
        searches.append((len(images), len(captions), candidates))
        return msgspec.convert(evaluation()["retrieval"], measurements.Retrieval)

    monkeypatch.setattr(measurements, "measure_retrieval", record)
    monkeypatch.setattr(measurements, "measure_search", record)
    sizes = Sizes(**SMALL | {"captions": 6, "candidates": 12})
    options = {"sharpen": None, "split": "test", "seed": 0, "inception": None}
    Measurements.open(draw, folder, sizes=sizes, **options).retrieval()
    (_, _, seen), (images, count, held_out) = searches
    assert images == 6 + 14 and count == len(held_out) == len(seen) > 6  # all of their captions
    assert (held_out[:6, TARGET] == np.arange(6)).all()  # the held-out images come first
    assert set(held_out[:, TARGET]) == set(range(6))
    assert (held_out >= 6).any()


def test_captions_search_in_rounds():
    texts, pictures = measurements.captions_in_rounds([["a", "b", "c"], ["d"], ["e", "f"]], 2)
    assert texts == ["a", "d", "e", "b", "f"] and pictures.tolist() == [0, 1, 2, 0, 2]
    texts, pictures = measurements.captions_in_rounds([["a", "b", "c"], ["d"]], 1)
    assert texts == ["a", "d"] and pictures.tolist() == [0, 1]


def test_what_is_refused(draw, data, folder, sharpener, tmp_path):
    def refused(match, workdir=draw, folder=data, **more):
        with pytest.raises(UserError, match=match):
            evaluate(workdir, folder, out=tmp_path / "none.json", **(SMALL | more))

    refused("Expected --judged to be 1 or more, got 0", judged=0)
    refused("Expected --candidates of 2 or more", candidates=1)
    refused("Expected --seed to be 0 or more .* got -1", seed=-1)
    refused("Expected a split with new images .* got 'train'", split="train")
    with pytest.raises(UserError, match="Expected --out to be a file"):
        evaluate(draw, data, out=tmp_path, **SMALL)
    refused(r"needs as many pictures: the split 'test' .* has 14", candidates=15)
    encoder = write_run(tmp_path / "encoder", "skip-thought", folder)
    refused("SkipThought, which draws no captions", workdir=encoder)
    refused("SharpeningGAN, which draws no captions", workdir=sharpener)
    refused("AlignDRAW, which sharpens nothing", sharpen=draw)
    refused("not a work folder", workdir=tmp_path / "nowhere")
    refused("no such data folder", folder=tmp_path / "nowhere")
    refused("file of InceptionV3's weights, found none", inception=tmp_path / "weights.h5")
    refused("expected one of|no split|train, val", split="tset")
    examples = {name: make_examples(16, shape=(16, 16, 3)) for name in ("train", "test")}
    refused(r"vocabulary .* different", folder=write_data_folder(tmp_path / "words", examples))
    examples = {name: make_examples(16, shape=(12, 16, 3)) for name in ("train", "test")}
    refused(r"16 x 16 x 3.* are 12 x 16 x 3", folder=write_data_folder(tmp_path / "s", examples))
    for path in (draw / "checkpoints").glob("*.npz"):
        (tmp_path / "run" / "checkpoints").mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / "checkpoints" / path.name).write_bytes(path.read_bytes()[:1000])
    for name in ("config.json", "vocabulary.txt"):
        (tmp_path / "run" / name).write_bytes((draw / name).read_bytes())
    refused("damaged", workdir=tmp_path / "run")
    assert not (tmp_path / "none.json").exists()


def test_weights_that_are_nan(draw, folder):
    trained = open_run(draw, folder)
    for weight in trained.model.trainable_weights:
        weight.assign(np.full(weight.shape, np.nan))
    with pytest.raises(UserError, match="infinite ones or NaN"):
        images, captions = np.zeros((2, 16, 16, 3), np.uint8), ["a red bus", "a dog"]
        scorer = Scorer(trained, batch=2)
        scorer.terms(images, scorer.read(captions), np.arange(2), "Bounds")


def test_quick_is_small_and_keeps_what_is_smaller():
    quick = Sizes(captions=30, quick=True).reduced()
    assert (quick.captions, quick.candidates) == (30, 100)
    assert quick.pictures <= 100 and quick.samples <= 10
    assert Sizes(captions=30).reduced() == Sizes(captions=30)


def test_images_without_labels(tmp_path):
    examples = {name: make_examples(8, shape=(16, 16, 3)) for name in ("train", "val", "test")}
    folder = DataFolder.open(write_data_folder(tmp_path / "data", examples))
    workdir = write_run(tmp_path / "run", "noalign-draw", folder)
    found = evaluate(workdir, folder.path, **SMALL | {"samples": 1})
    assert found.caption_accuracy is None and found.diversity is None
    assert np.isfinite(found.bound.test.value)
    assert found.retrieval.held_out is None and found.retrieval.ceiling is None


@pytest.mark.parametrize("made", [evaluation, gan_evaluation])
def test_files_of_earlier_versions_are_read(made, tmp_path):
    """They lack what was not measured then; what they have stays as it was."""
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps(made()))
    found = read_evaluation(path)
    assert found.settings.classifier is None and found.run is None
    if found.bound:
        assert found.retrieval.ranks is None and found.retrieval.held_out is None
        assert found.bound.importance_gain is None

    def check(old, new):
        for key, value in old.items():
            if isinstance(value, dict):
                check(value, new[key])
            else:
                assert new[key] == value, key

    check(made(), msgspec.to_builtins(found))


def test_the_table_fits_80_columns(result_file):
    result = read_evaluation(result_file)
    narrow, wide = (print_table(result, width) for width in (80, 300))
    assert max(map(len, narrow.splitlines())) <= 80
    cells = [line.strip("│┃ ").split("│") for line in wide.splitlines() if "│" in line]
    joined = " ".join(narrow.replace("│", " ").split())
    for name, *numbers in cells:
        for number in numbers:
            assert number.strip() in joined
        assert set(name.split()) <= set(joined.split())
    assert "…" not in narrow and "oracle upper bound" in joined


def print_table(result: Evaluation, width: int) -> str:
    console = Console(width=width, highlight=False, soft_wrap=True)
    with console.capture() as captured:
        console.print(evaluation_table(result))
    return captured.get()


def test_a_training_that_its_patience_ended_is_finished(draw, folder, tmp_path):
    shutil.copytree(draw, tmp_path / "run")
    config = json.loads((draw / "config.json").read_text()) | {"steps": 8, "report_every": 1}
    checkpoint = checkpoints.CheckpointFolder(tmp_path / "run" / "checkpoints")
    shutil.copy(checkpoint.path(2), checkpoint.path(1))
    (checkpoint.folder / "best.json").write_text('{"step": 1, "loss": 1.0}')
    for patience, finished in ((1, True), (2, False)):
        (tmp_path / "run" / "config.json").write_text(json.dumps(config | {"patience": patience}))
        run = summarize_run(tmp_path / "run", checkpoints.load(tmp_path / "run", "last"), folder)
        assert run.budget_spent == 0.25 and run.finished is finished


def test_without_a_history_the_checkpoint_says_how_far_a_training_came(
    draw, folder, tmp_path, monkeypatch
):
    """Imported weights have no history, and one that was damaged is to be deleted."""
    shutil.copytree(draw, tmp_path / "run")
    (tmp_path / "run" / "history.csv").unlink()
    trained = checkpoints.load(tmp_path / "run")
    for share, finished in ((None, None), (0.25, False), (1.0, True)):
        monkeypatch.setattr(load_run, "read_share_done", lambda *_, share=share: share)
        run = summarize_run(tmp_path / "run", trained, folder)
        assert (run.seconds, run.budget_spent, run.finished) == (None, share, finished)


def test_a_preset_does_not_say_how_it_was_trained(draw, folder, tmp_path):
    TextToImage.from_preset(draw).save_to_preset(tmp_path / "preset")
    run = summarize_run(tmp_path / "preset", open_run(draw, folder), folder)
    assert (run.step, run.last_step) == (2, 2)
    assert (run.seconds, run.budget_spent, run.finished, run.same_data) == (None,) * 4
    measured = msgspec.convert(evaluation() | {"run": msgspec.to_builtins(run)}, Evaluation)
    assert "s of training" not in evaluation_table(measured).title
    notes = " ".join(evaluation_notes(measured))
    assert "from a preset, which does not say whether" in notes
    assert "not finished" not in notes and "another data folder" not in notes


@pytest.mark.slow
def test_a_preset_is_measured_as_its_run(draw, data, tmp_path, capsys):
    TextToImage.from_preset(draw).save_to_preset(tmp_path / "preset")
    few = {"captions": 2, "candidates": 2, "pictures": 2, "weighed": 1, "similar": 1, "judged": 1}
    flags = [word for name, value in few.items() for word in (f"--{name}", str(value))]
    out = tmp_path / "result.json"
    command = ["evaluate", "--workdir", str(tmp_path / "preset"), "--data", str(data), *flags]
    assert main([*command, "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    measured, expected = read_evaluation(out), evaluate(draw, data, out=out, **few)
    assert measured.bound == expected.bound and measured.ssim == expected.ssim
