"""Guided drawings, and the best of several, by a sampler and by the command."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from pipelines.cli import main
from pipelines.sampling.caption_fit import BoundGain, CaptionerFit
from pipelines.sampling.sampler import Sampler
from pipelines.sampling.steering import Steering
from t2i_tf import checkpoints
from t2i_tf.checkpoints import Trained
from t2i_tf.config import LapganConfig, OptimizerConfig, TrainConfig
from t2i_tf.errors import UsageError, UserError
from t2i_tf.models import build_model
from t2i_tf.optimizers import build_optimizer
from t2i_tf.text.tokenizer import Tokenizer, TokenReader
from t2i_tf.text.vocabulary import Vocabulary
from tests.data_folders import WORDS
from tests.t2i_tf.tiny import CONFIG

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

VOCABULARY = Vocabulary.from_counts(dict.fromkeys(WORDS, 1))
N = 3  # candidates


def trained_model(caption_dropout=0.1, **sizes):
    model_config = dataclasses.replace(CONFIG, vocabulary_size=len(VOCABULARY), **sizes)
    model = build_model(model_config, caption_dropout=caption_dropout)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(0.4 * rng.standard_normal(weight.shape))
    config = TrainConfig(
        model=model_config,
        optimizer=OptimizerConfig(ema=0),
        max_words=8,
        xla=False,
        caption_dropout=caption_dropout,
    )
    return Trained(model, config, VOCABULARY, TokenReader(Tokenizer(VOCABULARY, 8)), 0)


@pytest.fixture(scope="module")
def trained():
    return trained_model()


@pytest.fixture(scope="module")
def untrained_without():
    return trained_model(caption_dropout=0.0)


@pytest.fixture(scope="module")
def plain(trained):
    return Sampler(trained)


@pytest.fixture(scope="module")
def best(trained):
    return Sampler(trained, steering=Steering(best_of=N))


@pytest.fixture(scope="module")
def workdir_of(tmp_path_factory):
    """A function that writes the work folder of a trained system."""

    def write(trained):
        folder = tmp_path_factory.mktemp("run")
        trained.model.compile(build_optimizer(trained.config.optimizer), jit_compile=False)
        checkpoints.write_config(folder, trained.config)
        trained.vocabulary.save(folder / "vocabulary.txt")
        checkpoints.CheckpointFolder(folder / "checkpoints").save(trained.model, {})
        return folder

    return write


def test_guidance_draws_what_the_model_does(trained, plain):
    model, caption = trained.model, trained.reader(tf.constant(["a red bus"]))
    away = trained.reader(tf.constant(["a green car"]))
    for steering, other in (
        (Steering(guidance=1.5), None),
        (Steering(guidance=1.5, instead_of="a green car"), away),
    ):
        sampler = Sampler(trained, steering=steering)
        ((sample,),) = sampler.draw(["a red bus"], seed=3)
        expected = model.generate(caption, model.noise([3]), 1.5, other)
        drawn = np.round(expected.canvases[0].numpy() * 255)
        assert np.abs(sample.canvases - drawn).max() <= 1
        assert (sample.image != plain.draw(["a red bus"], seed=3)[0][0].image).any()
        bare = sampler.draw_images(["a red bus"], [3], "").images[0]
        assert np.abs(bare.astype(int) - sample.image).max() <= 1


def test_the_best_of_several_is_the_candidate_with_the_highest_gain(trained, plain, best):
    captions = ["a red bus", "a green car tree"]
    gain = BoundGain(trained)
    for caption, row in zip(captions, best.draw(captions, n=2, seed=4), strict=True):
        for k, chosen in enumerate(row):
            (candidates,) = plain.draw([caption], n=N, seed=N * (4 + k))
            scores = gain(np.stack([one.image for one in candidates]), [caption] * N)
            first = int(scores.argmax())
            assert chosen.seed == candidates[first].seed == N * (4 + k) + first
            np.testing.assert_array_equal(chosen.canvases, candidates[first].canvases)
            assert chosen.score == pytest.approx(scores[first], abs=1e-3)


def test_a_score_that_is_no_number_does_not_choose(best, monkeypatch):
    monkeypatch.setattr(best, "_fit", lambda images, captions: np.full(len(captions), np.nan))
    with pytest.raises(UserError, match="finite scores of drawings to choose by, got nan"):
        best.draw(["a red bus"])


def test_the_gain_is_the_difference_of_two_bounds(trained):
    model, images = trained.model, np.random.default_rng(0).integers(0, 256, (2, 6, 9, 3), np.uint8)
    caption = trained.reader(tf.constant(["a red bus"] * 2))
    noise = model.noise([0, 0])
    for instead_of in (None, "a dog"):
        other = model.empty_caption(caption)
        if instead_of:
            other = trained.reader(tf.constant([instead_of] * 2))
        expected = model.bound(images, caption, noise) - model.bound(images, other, noise)
        found = BoundGain(trained, instead_of)(tf.constant(images), ["a red bus"] * 2)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert np.abs(found).min() > 1e-3


def test_many_images_are_chosen_as_single_ones_are(best):
    captions = ["a red bus"] * 20 + ["a green car tree"] * 4  # more candidates than a batch
    chosen = best.draw_images(captions, range(24), "").images
    for k in (0, 19, 23):
        ((sample,),) = best.draw([captions[k]], seed=k)
        assert np.abs(chosen[k].astype(int) - sample.image).max() <= 1


def test_a_captioner_chooses_by_the_caption_it_expects(workdir, tmp_path):
    trained = trained_model(caption_dropout=0.0, height=4, width=6)
    best = Sampler(trained, steering=Steering(best_of=N, captioner=workdir))
    captioner = checkpoints.load(workdir)
    ((chosen,),) = best.draw(["a red bus"], seed=2)
    (candidates,) = Sampler(trained).draw(["a red bus"], n=N, seed=N * 2)
    images = np.stack([one.image for one in candidates])
    ids = captioner.reader(tf.constant(["a red bus"] * N))
    losses = captioner.model.terms({"image": images, "token_ids": ids}, tf.zeros([0, N, 0]))["loss"]
    assert chosen.seed == N * 2 + int(np.argmin(losses))
    assert chosen.score == pytest.approx(-float(np.min(losses)), abs=1e-4)


def test_what_a_captioner_does_not_read_is_said(workdir, capsys):
    """One that was trained on other captions knows few words, and judges by the others alike."""
    drawing = trained_model(height=4, width=6)
    more = Vocabulary.from_counts(dict.fromkeys([*WORDS, "zebra", "kiwi"], 1))
    for vocabulary, words in ((drawing.vocabulary, None), (more, len(WORDS))):
        CaptionerFit(workdir, drawing._replace(vocabulary=vocabulary))
        said = capsys.readouterr().out
        assert "reads the first 7 words and marks of a caption, the model 8." in said
        assert ("one unknown word" in said) == (words is not None)
    assert f"knows {words} of the model's {words + 2} words" in said
    same = drawing._replace(config=dataclasses.replace(drawing.config, max_words=7))
    CaptionerFit(workdir, same)
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("steering", "message"),
    [
        (Steering(guidance=1.0), r"trained without --caption-dropout.*--instead-of"),
        (Steering(best_of=2), r"without --caption-dropout.*--captioner.*--instead-of"),
        (Steering(guidance=1.0, instead_of=" "), r"trained without --caption-dropout"),
        (Steering(best_of=2, instead_of="a " * 9), "--instead-of: The caption .* has 9 words"),
    ],
)
def test_a_model_without_an_empty_caption_says_what_it_needs(untrained_without, steering, message):
    with pytest.raises(UserError, match=message):
        Sampler(untrained_without, steering=steering)


def test_another_caption_stands_in_for_the_empty_one(untrained_without):
    steering = Steering(guidance=1.0, instead_of="a green car", best_of=2)
    assert Sampler(untrained_without, steering=steering).draw(["a red bus"])[0][0].score is not None


def test_a_gan_can_be_judged_by_a_captioner_alone():
    config = LapganConfig(height=8, width=8, sentence_units=5, base_units=4, filters=2, stages=1)
    trained = trained_model()._replace(model=build_model(config, caption_dropout=0.1))
    with pytest.raises(UserError, match=r"LAPGAN has no bound .* --captioner"):
        Sampler(trained, steering=Steering(best_of=2))


def test_the_work_folder_of_a_captioner_has_to_hold_one(trained, workdir, workdir_of):
    with pytest.raises(UserError, match="--captioner: There are no weights 'runs/none'"):
        Sampler(trained, steering=Steering(best_of=2, captioner="runs/none"))
    with pytest.raises(UserError, match=r"--captioner .* holds AlignDRAW"):
        Sampler(trained, steering=Steering(best_of=2, captioner=workdir_of(trained)))
    with pytest.raises(UserError, match=r"captioner was trained on images of .*4 x 6"):
        Sampler(trained, steering=Steering(best_of=2, captioner=workdir))


@pytest.mark.parametrize(
    ("steering", "message"),
    [
        (Steering(instead_of="a dog"), "--instead-of names what to move away from"),
        (
            Steering(instead_of="a dog", best_of=2, captioner="run"),
            "more than 1 without --captioner",
        ),
        (Steering(captioner="runs/captioner"), "--captioner judges the drawings of --best-of"),
        (Steering(guidance=-1.0), "--guidance to be 0 or more and at most 20"),
        (Steering(best_of=0), "--best-of to be 1 or more"),
        (Steering(best_of=10**6), "--best-of to be 1 or more and at most 10000, got 1000000"),
    ],
)
def test_an_option_without_effect_or_out_of_range_is_refused(steering, message):
    with pytest.raises(UsageError, match=message):
        steering.checked()


@pytest.mark.parametrize(
    ("steering", "name"),
    [
        (Steering(), ""),
        (Steering(guidance=1.5, best_of=16), "-guidance-1.5-best-of-16"),
        (Steering(guidance=2), "-guidance-2"),
        (Steering(guidance=2.0), "-guidance-2"),
        (Steering(guidance=1.0000001), "-guidance-1.0000001"),
        (Steering(guidance=1.0, instead_of="a blue bus"), "-guidance-1-instead-of-a-blue-bus"),
        (Steering(best_of=2, captioner="runs/captioner"), "-best-of-2-by-captioner"),
        (Steering(best_of=2, captioner="runs/other/"), "-best-of-2-by-other"),
    ],
)
def test_results_of_a_steering_have_a_name(steering, name):
    assert steering.name == name


@pytest.mark.parametrize("spelling", ["", " \t\n", "\u200b", "\u2060\xa0\xad"])
def test_a_caption_without_words_to_move_away_from_is_the_empty_one(spelling):
    assert Steering(guidance=1.0, instead_of=spelling) == Steering(guidance=1.0)
    Steering(instead_of=spelling).checked()  # as without it


def test_no_two_captions_to_move_away_from_share_a_name():
    captions = [
        "a bus",
        "a bus.",
        "A bus",
        "a  bus",
        "a/bus",
        "a " * 30 + "bus",
        "a " * 30,
        "...",
        "犬",
    ]
    names = [Steering(guidance=1.0, instead_of=caption).name for caption in captions]
    assert len({name.lower() for name in names if name != "-guidance-1-instead-of-A-bus"}) == 8
    assert not any(set(name) & set("/ ") or len(name) > 80 for name in names)


def test_a_seed_that_leaves_no_room_for_candidates_is_refused(best):
    with pytest.raises(UsageError, match=f"--seed.* at most {2**62 // N} with --best-of {N}"):
        best.draw(["a red bus"], seed=2**62)


def test_generate_draws_guided_and_chosen_pictures(trained, workdir_of, tmp_path, capsys):
    run, out = str(workdir_of(trained)), tmp_path / "out"
    steering = ["--guidance", "1.5", "--instead-of", "a green zebra", "--best-of", "2"]
    command = ["generate", "a red bus", "--workdir", run, "--n", "2", "--out", str(out)]
    assert main([*command, *steering]) == 0
    printed = capsys.readouterr().out
    assert "Best of 2 of 'a red bus': seeds " in printed
    assert "not in the model's vocabulary: zebra. They are all read as one" in printed
    assert "vocabulary.txt has those that it knows" in printed
    guided = (out / "grid.png").read_bytes()
    assert main(command) == 0
    assert (out / "grid.png").read_bytes() != guided
    assert main([*command, "--instead-of", "a green car"]) == 2
    assert "nothing moves" in capsys.readouterr().err
