from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from pipelines.evaluation.likelihood.scorer import Scorer
from pipelines.evaluation.retrieval.hard_candidates import TARGET, hard_candidates
from pipelines.evaluation.retrieval.mean_caption import mean_caption
from pipelines.evaluation.retrieval.protocol import (
    measure_retrieval,
    measure_search,
    oracle_upper_bound,
    ranking_metrics,
    score_candidates,
)
from t2i_tf.metrics.recall import median_rank, ranks, recall_at_k
from tests.pipelines.evaluation import evaluated

pytestmark = pytest.mark.usefixtures("graphs_as_traced")


def nearest(images, count):
    features = images.reshape(len(images), -1).astype(np.float32)
    return hard_candidates(features, count)


class MatchingScorer:
    """Scores that are highest where a caption [captions, 1] is the index of the image.

    Images with an even index score 100 nats higher with any caption.
    """

    model = SimpleNamespace(noise=lambda seeds: tf.zeros([2, len(seeds), 3]))

    def __init__(self):
        self.scored = 0

    def pair_bounds(self, images, captions, pairs, noise, description):
        self.scored += len(pairs)
        image, caption = pairs[:, 0], captions[pairs[:, 1], 0]
        match = 5.0 * (image == caption)
        return {"own_bound": match + 100.0 * (image % 2 == 0), "bound_plus_entropy": match - 5.0}


def test_the_mean_caption_removes_the_advantage_of_images_that_always_score_high():
    candidates = np.stack([np.arange(8), (np.arange(8) + 1) % 8, (np.arange(8) + 2) % 8], axis=1)
    scorer, captions = MatchingScorer(), np.arange(8)[:, None]
    scores = score_candidates(scorer, None, captions, candidates, np.array([-1]))
    assert scorer.scored == 8 * 3 + 8  # L(x | y_mean) once for each image
    gain, alone = ranking_metrics(scores.gain), ranking_metrics(scores.given_caption)
    assert gain.r_at_1.value == 100.0 and gain.median_rank.value == 1
    # By L(x|y) alone an odd image ranks behind its even neighbour.
    assert alone.r_at_1.value == 50.0 and alone.r_at_5.value == 100.0
    arguments = candidates, np.array([-1])
    measured = measure_retrieval(scorer, None, captions, *arguments, s10_captions=4)
    for ranking in (measured, measured.s10, measured.s1_of_s10, measured.minus_floor):
        assert ranking.r_at_1.value == 100.0
    for ranking in (measured.bound_alone, measured.s10_bound_alone):
        assert ranking.r_at_1.value == 50.0
    shuffled = measure_retrieval(scorer, None, captions[::-1], *arguments, s10_captions=4)
    assert shuffled.r_at_1.value < 50.0


def test_the_empty_caption_removes_that_advantage_too():
    candidates = np.stack([np.arange(8), (np.arange(8) + 1) % 8, (np.arange(8) + 2) % 8], axis=1)
    scorer, captions = MatchingScorer(), np.arange(8)[:, None]
    arguments, empty = (candidates, np.array([-1])), np.array([[-1]])
    measured = measure_retrieval(scorer, None, captions, *arguments, s10_captions=4, empty=empty)
    assert measured.empty_caption.r_at_1.value == 100.0 and measured.empty_caption.ranks == [0] * 8
    searched = measure_search(scorer, None, captions, *arguments, empty=empty)
    assert searched.empty_caption == measured.empty_caption
    without = measure_search(scorer, None, captions, *arguments)
    assert without.empty_caption is None


@pytest.mark.parametrize("name", ["noalign-draw", "fully-connected-vae"])
def test_the_gain_over_the_empty_caption_is_that_of_the_models_bounds(name):
    trained = evaluated.system(name, scale=0.4, caption_dropout=0.1)
    images, captions = evaluated.captioned(6)
    scorer, candidates = Scorer(trained, batch=4), nearest(images, 3)[:5]
    read, mean = scorer.read(captions[:5]), mean_caption(trained, captions)
    empty = trained.model.empty_caption(read[:1]).numpy()
    scores = score_candidates(
        scorer, images, read, candidates, mean, empty=empty, samples=2, seed=3
    )
    image = images[candidates[4, 2]][None]
    given, without = (
        [trained.model.bound(image, y, trained.model.noise([s]))[0] for s in (3, 4)]
        for y in (read[4:5], trained.model.empty_caption(read[4:5]))
    )
    np.testing.assert_allclose(scores.given_empty[4, 2], np.mean(without), rtol=1e-5)
    expected = np.mean(given) - np.mean(without)
    np.testing.assert_allclose(scores.gain_over_empty[4, 2], expected, atol=1e-3)


def test_a_search_has_the_metrics_of_one_sample():
    candidates = np.tile(np.arange(4), (4, 1))
    search = measure_search(
        MatchingScorer(), None, np.zeros((4, 1)), candidates, np.array([-1]), labels="abca"
    )
    assert search.r_at_1.value == 100.0 and search.ceiling.r_at_1.value == 50.0
    assert (search.candidates, search.captions, search.captions_of_s10) == (4, 4, 0)


def test_all_captions_of_an_image_search_for_it():
    """Image 0 has two captions, of which one describes image 1."""
    candidates = np.array([[0, 1], [1, 0], [0, 1]])
    captions, searched = np.array([[0], [1], [1]]), np.array([0, 1, 0])
    search = measure_search(
        MatchingScorer(), None, captions, candidates, np.array([-1]), searched=searched, labels="ab"
    )
    assert search.ranks == [0, 0, 1] and search.searched == [0, 1, 0]
    assert (search.captions, search.pictures) == (3, 2)
    assert search.r_at_1.value == pytest.approx(200 / 3)
    assert (search.r_at_1.low, search.r_at_1.high) == (50.0, 100.0)  # either image, twice


def test_the_oracle_ranks_images_that_show_the_same_in_random_order():
    candidates = np.tile(np.arange(4), (3, 1))  # the target is image 0
    oracle = oracle_upper_bound(["bus", "dog", "cat", "bus"], candidates)
    assert oracle.r_at_1.value == 50.0 and oracle.r_at_5.value == 100.0
    assert oracle.median_rank.value == 1
    assert oracle_upper_bound("abcd", candidates).r_at_1.value == 100.0


def test_the_oracle_upper_bound_is_the_mean_over_random_orders():
    random = np.random.default_rng(0)
    labels = random.integers(6, size=40)
    candidates = np.stack([random.permutation(40)[:20] for _ in range(30)])
    same = (labels[candidates] == labels[candidates[:, :1]]).astype(float)
    oracle = oracle_upper_bound(labels, candidates)
    targets = np.full(len(same), TARGET)
    orders = [ranks(same, targets, seed) for seed in range(40)]
    for key, metric in (
        ("r_at_1", lambda found: recall_at_k(found, 1)),
        ("r_at_5", lambda found: recall_at_k(found, 5)),
        ("median_rank", median_rank),
    ):
        drawn = [metric(order) for order in orders]
        expected = getattr(oracle, key).value
        assert abs(np.mean(drawn) - expected) < 4 * np.std(drawn) / 40**0.5 + 0.5, key


def test_scores_are_the_models_bounds_from_one_noise():
    trained = evaluated.system("noalign-draw", scale=0.4)
    images, captions = evaluated.captioned(6)
    scorer, candidates = Scorer(trained, batch=4), nearest(images, 3)[:5]
    read, mean = scorer.read(captions[:5]), mean_caption(trained, captions)
    scores = score_candidates(scorer, images, read, candidates, mean, samples=2, seed=3)
    for row, column in ((0, 0), (4, 2)):
        image = images[candidates[row, column]][None]
        bounds, means = (
            [trained.model.bound(image, y[None], trained.model.noise([s]))[0] for s in (3, 4)]
            for y in (read[row], tf.constant(mean))
        )
        np.testing.assert_allclose(scores.given_caption[row, column], np.mean(bounds), rtol=1e-5)
        np.testing.assert_allclose(scores.given_mean[row, column], np.mean(means), rtol=1e-5)
        pixels = np.clip(image.astype(np.float64) / 255, 1e-12, 1 - 1e-12)
        entropy = -(pixels * np.log(pixels) + (1 - pixels) * np.log(1 - pixels)).sum()
        expected = np.mean(bounds) + entropy
        np.testing.assert_allclose(scores.plus_entropy[row, column], expected, rtol=1e-4)


def test_the_mean_caption_of_each_kind():
    trained = evaluated.system("align-draw", scale=0.4)
    captions = ["a red bus", "dog", "an old new tree"]
    ids = trained.reader(tf.constant(captions))
    states, mask = trained.model.caption_encoder(ids)
    averages = [np.mean(s[: m.sum()], axis=0) for s, m in zip(states, mask.numpy(), strict=True)]
    np.testing.assert_allclose(mean_caption(trained, captions), np.mean(averages, 0), atol=1e-6)
    # A caption of one word has the same bound by its representation as by the word.
    image, noise = evaluated.captioned(1)[0], trained.model.noise([1])
    word = ids[1:2]
    by_word, by_vector = (
        trained.model.bound(image, y, noise) for y in (word, trained.model.represent(word))
    )
    np.testing.assert_allclose(by_word, by_vector, rtol=1e-6)
    vae = evaluated.system("fully-connected-vae")
    np.testing.assert_array_equal(mean_caption(vae, captions), np.zeros(evaluated.UNITS))


@pytest.mark.parametrize("name", ["fully-connected-vae", "align-draw"])
def test_captions_of_other_images_land_at_chance(name):
    images, captions = evaluated.captioned(200)
    trained = evaluated.system(name, scale=0.4)
    scorer = Scorer(trained, batch=200)
    shuffled = [captions[k] for k in np.random.default_rng(0).permutation(200)]
    mean = mean_caption(trained, captions)
    found = measure_retrieval(
        scorer, images, scorer.read(shuffled), nearest(images, 20), mean, s10_captions=20
    )
    for ranking in (found, found.bound_alone):
        for k, expected in ((1, 5.0), (5, 25.0), (10, 50.0)):
            spread = 100 * np.sqrt(expected / 100 * (1 - expected / 100) / 200)
            assert abs(getattr(ranking, f"r_at_{k}").value - expected) < 4 * spread, k
        assert 6 <= ranking.median_rank.value <= 15
    assert (found.candidates, found.captions, found.captions_of_s10) == (20, 200, 20)
    assert found.r_at_50.value == 100.0


def test_the_target_column_holds_the_image_itself():
    assert (nearest(evaluated.captioned(9)[0], 4)[:, TARGET] == np.arange(9)).all()
