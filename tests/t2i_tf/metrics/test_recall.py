import numpy as np
import pytest

from t2i_tf.metrics.recall import median_rank, ranks, recall_at_k

CAPTIONS, CANDIDATES = 4000, 100


def test_ranks_by_hand():
    scores = np.array([[0.3, 0.9, 0.1], [-5.0, -7.0, -6.0], [1.0, 2.0, 3.0]])
    assert ranks(scores, np.array([1, 1, 1])).tolist() == [0, 2, 1]


def test_recall_and_median_rank_by_hand():
    found = np.array([0, 4, 5, 30])
    assert [recall_at_k(found, k) for k in (1, 5, 6, 31)] == [25.0, 50.0, 75.0, 100.0]
    assert median_rank(found) == 5  # the median 4.5, floored, counted from 1
    assert median_rank(np.array([7])) == 8


def test_minus_infinity_is_a_score():
    assert ranks(np.array([[-np.inf, 0.0, 1.0]]), np.array([0])).tolist() == [2]


@pytest.mark.parametrize("right", ["first", "anywhere"])
def test_a_constant_score_lands_at_chance(right):
    random = np.random.default_rng(0)
    where = random.integers(CANDIDATES, size=CAPTIONS) * (right == "anywhere")
    found = ranks(np.full((CAPTIONS, CANDIDATES), -3.0), where, seed=1)
    assert sorted(set(found)) == list(range(CANDIDATES))
    for k in (1, 5, 10, 50):
        chance = k / CANDIDATES
        error = 100 * np.sqrt(chance * (1 - chance) / CAPTIONS)
        assert recall_at_k(found, k) == pytest.approx(100 * chance, abs=4 * error)
    assert np.median(found) == pytest.approx((CANDIDATES - 1) / 2, abs=4)


def test_equals_share_the_places_that_they_take():
    scores = np.tile([2.0, 1.0, 1.0, 1.0, 0.0], (3000, 1))
    found = ranks(scores, np.full(3000, 2))
    assert np.bincount(found, minlength=5).tolist()[::4] == [0, 0]
    assert np.bincount(found)[1:] == pytest.approx([1000] * 3, abs=110)


def test_the_seed_decides_among_equals_alone():
    equal, clear = np.zeros((50, 20)), np.random.default_rng(0).normal(size=(50, 20))
    right = np.arange(50) % 20
    assert (ranks(equal, right, seed=1) == ranks(equal, right, seed=1)).all()
    assert (ranks(equal, right, seed=1) != ranks(equal, right, seed=2)).any()
    assert (ranks(clear, right, seed=1) == ranks(clear, right, seed=2)).all()


@pytest.mark.parametrize(
    ("scores", "right", "message"),
    [
        (np.zeros((2, 3)), np.zeros(3, int), r"\[2, 3\] and \[3\]"),
        (np.zeros(3), np.zeros(3, int), r"captions, candidates"),
        (np.zeros((2, 3)), np.array([0, 3]), "0 to 2, got 0 to 3"),
        (np.array([[0.0, np.nan]]), np.array([0]), "1 of 2 scores are NaN"),
    ],
)
def test_refusals(scores, right, message):
    with pytest.raises(ValueError, match=message):
        ranks(scores, right)
