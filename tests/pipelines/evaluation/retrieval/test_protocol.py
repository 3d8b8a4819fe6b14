from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from pipelines.evaluation.likelihood.scorer import Scorer
from pipelines.evaluation.retrieval.hard_candidates import RIGHT, candidates
from pipelines.evaluation.retrieval.mean_caption import mean_caption
from pipelines.evaluation.retrieval.protocol import (
    ceiling_figures,
    measure_retrieval,
    retrieval_figures,
    score_candidates,
)
from tests.pipelines.evaluation import evaluated


def chosen_of(images, count):
    features = images.reshape(len(images), -1).astype(np.float32)
    return candidates(features, count)


class Telepath:
    """Scores that know which picture a caption [captions, 1], its number, belongs to.

    Even pictures are easy, whatever the caption: they are worth 100 nats more.
    """

    model = SimpleNamespace(noise=lambda seeds: tf.zeros([2, len(seeds), 3]))

    def __init__(self):
        self.asked = 0

    def pair_bounds(self, images, captions, pairs, noise, what):
        self.asked += len(pairs)
        picture, caption = pairs[:, 0], captions[pairs[:, 1], 0]
        right = 5.0 * (picture == caption)
        return {"own_bound": right + 100.0 * (picture % 2 == 0), "minus_floor": right - 5.0}


def test_the_mean_caption_takes_the_advantage_of_easy_pictures_away():
    chosen = np.stack([np.arange(8), (np.arange(8) + 1) % 8, (np.arange(8) + 2) % 8], axis=1)
    telepath, captions = Telepath(), np.arange(8)[:, None]
    scores = score_candidates(telepath, None, captions, chosen, np.array([-1]))
    assert telepath.asked == 8 * 3 + 8  # L(x | y_mean) once a picture
    gain = retrieval_figures(scores.given_caption - scores.given_mean)
    alone = retrieval_figures(scores.given_caption)
    assert gain["r_at_1"]["value"] == 100.0 and gain["median_rank"]["value"] == 1
    # By L(x|y) alone an odd picture stands behind its even neighbour.
    assert alone["r_at_1"]["value"] == 50.0 and alone["r_at_5"]["value"] == 100.0
    measured = measure_retrieval(telepath, None, captions, chosen, np.array([-1]), few=4)
    for variant in (measured, measured["s10"], measured["s1_of_s10"], measured["minus_floor"]):
        assert variant["r_at_1"]["value"] == 100.0
    for variant in (measured["bound_alone"], measured["s10_bound_alone"]):
        assert variant["r_at_1"]["value"] == 50.0
    shuffled = measure_retrieval(telepath, None, captions[::-1], chosen, np.array([-1]), few=4)
    assert shuffled["r_at_1"]["value"] < 50.0


def test_the_ceiling_is_luck_among_pictures_that_show_the_same():
    chosen = np.tile(np.arange(4), (3, 1))  # the right one is number 0
    perfect = ceiling_figures(["bus", "dog", "cat", "bus"], chosen)
    assert perfect["r_at_1"]["value"] == 50.0 and perfect["r_at_5"]["value"] == 100.0
    assert perfect["median_rank"]["value"] == 1
    assert ceiling_figures("abcd", chosen)["r_at_1"]["value"] == 100.0


def test_the_ceiling_is_what_luck_gives_in_the_mean():
    rng = np.random.default_rng(0)
    shown = rng.integers(6, size=40)
    chosen = np.stack([rng.permutation(40)[:20] for _ in range(30)])
    alike = (shown[chosen] == shown[chosen[:, :1]]).astype(float)
    ceiling = ceiling_figures(shown, chosen)
    for key in ("r_at_1", "r_at_5", "median_rank"):
        drawn = [retrieval_figures(alike, seed)[key]["value"] for seed in range(40)]
        assert abs(np.mean(drawn) - ceiling[key]["value"]) < 4 * np.std(drawn) / 40**0.5 + 0.5, key


def test_scores_are_the_models_bounds_from_one_noise():
    trained = evaluated.system("noalign-draw", scale=0.4)
    images, captions = evaluated.told(6)
    scorer, chosen = Scorer(trained, batch=4), chosen_of(images, 3)[:5]
    read, mean = scorer.read(captions[:5]), mean_caption(trained, captions)
    found = score_candidates(scorer, images, read, chosen, mean, samples=2, seed=3)
    for row, column in ((0, 0), (4, 2)):
        image = images[chosen[row, column]][None]
        bounds, means = (
            [trained.model.bound(image, y[None], trained.model.noise([s]))[0] for s in (3, 4)]
            for y in (read[row], tf.constant(mean))
        )
        np.testing.assert_allclose(found.given_caption[row, column], np.mean(bounds), rtol=1e-5)
        np.testing.assert_allclose(found.given_mean[row, column], np.mean(means), rtol=1e-5)
        pixels = np.clip(image.astype(np.float64) / 255, 1e-12, 1 - 1e-12)
        floor = -(pixels * np.log(pixels) + (1 - pixels) * np.log(1 - pixels)).sum()
        expected = np.mean(bounds) + floor
        np.testing.assert_allclose(found.minus_floor[row, column], expected, rtol=1e-4)


def test_the_mean_caption_of_each_kind():
    trained = evaluated.system("align-draw", scale=0.4)
    captions = ["a red bus", "dog", "an old new tree"]
    ids = trained.reader(tf.constant(captions))
    states, mask = trained.model.caption_encoder(ids)
    averages = [np.mean(s[: m.sum()], axis=0) for s, m in zip(states, mask.numpy(), strict=True)]
    np.testing.assert_allclose(mean_caption(trained, captions), np.mean(averages, 0), atol=1e-6)
    # A caption of one word is told by its representation as it is by the word.
    image, noise = evaluated.told(1)[0], trained.model.noise([1])
    word = ids[1:2]
    by_word, by_vector = (
        trained.model.bound(image, y, noise) for y in (word, trained.model.represent(word))
    )
    np.testing.assert_allclose(by_word, by_vector, rtol=1e-6)
    vae = evaluated.system("fully-connected-vae")
    np.testing.assert_array_equal(mean_caption(vae, captions), np.zeros(evaluated.UNITS))


@pytest.mark.parametrize("name", ["fully-connected-vae", "align-draw"])
def test_captions_of_other_pictures_land_at_chance(name):
    images, captions = evaluated.told(200)
    scorer = Scorer(evaluated.system(name, scale=0.4), batch=200)
    shuffled = [captions[k] for k in np.random.default_rng(0).permutation(200)]
    chosen = chosen_of(images, 20)
    mean = mean_caption(evaluated.system(name, scale=0.4), captions)
    found = measure_retrieval(scorer, images, scorer.read(shuffled), chosen, mean, few=20)
    for figures in (found, found["bound_alone"]):
        for k, expected in ((1, 5.0), (5, 25.0), (10, 50.0)):
            spread = 100 * np.sqrt(expected / 100 * (1 - expected / 100) / 200)
            assert abs(figures[f"r_at_{k}"]["value"] - expected) < 4 * spread, k
        assert 6 <= figures["median_rank"]["value"] <= 15
    assert (found["candidates"], found["captions"], found["captions_of_s10"]) == (20, 200, 20)
    assert found["r_at_50"]["value"] == 100.0


def test_the_right_picture_is_where_the_figures_look():
    assert (chosen_of(evaluated.told(9)[0], 4)[:, RIGHT] == np.arange(9)).all()
