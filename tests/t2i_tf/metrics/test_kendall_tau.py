import numpy as np
import pytest

from t2i_tf.metrics.kendall_tau import kendall_tau


def test_by_hand():
    # Of six pairs, one is tied in the ratings; four are in the same order, one is not.
    found = kendall_tau(np.array([1.0, 3.0, 2.0, 4.0]), np.array([1, 2, 3, 3]))
    assert found.b == pytest.approx((4 - 1) / np.sqrt(6 * 5))
    assert found.c == pytest.approx((4 - 1) / (16 * (3 - 1) / (2 * 3)))


@pytest.mark.parametrize("levels", [2, 4, 50])
def test_pair_by_pair(levels):
    random = np.random.default_rng(levels)
    ratings = random.integers(1, levels + 1, 80)
    for scores in (ratings + 2 * random.standard_normal(80), random.integers(0, 9, 80), -ratings):
        order, rated = (
            np.sign(np.subtract.outer(x, x))[np.triu_indices(80, 1)] for x in (scores, ratings)
        )
        difference, fewer = (order * rated).sum(), min(len(set(scores)), len(set(ratings)))
        found = kendall_tau(scores, ratings)
        assert found.b == pytest.approx(difference / np.sqrt((order**2).sum() * (rated**2).sum()))
        assert found.c == pytest.approx(difference * 2 * fewer / (80**2 * (fewer - 1)))


def test_equal_values_have_no_order():
    assert np.isnan(kendall_tau(np.ones(3), np.arange(3))).all()
    assert np.isnan(kendall_tau(np.arange(3), np.ones(3))).all()


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"got \[3\] and \[2\]"):
        kendall_tau(np.zeros(3), np.zeros(2))
    with pytest.raises(ValueError, match="finite"):
        kendall_tau(np.array([0, np.nan]), np.zeros(2))
