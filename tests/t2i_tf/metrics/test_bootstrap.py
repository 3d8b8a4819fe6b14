import numpy as np
import pytest

from t2i_tf.metrics.bootstrap import bootstrap_interval
from t2i_tf.metrics.recall import median_rank, recall_at_k

stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("statistic", [np.mean, np.median, np.std])
@pytest.mark.parametrize(("count", "level"), [(7, 0.95), (50, 0.8), (201, 0.99)])
def test_agrees_with_scipy(statistic, count, level):
    """SciPy's percentile method draws the same resamples from the same generator."""
    values = np.random.default_rng(1).gumbel(size=count)
    expected = stats.bootstrap(
        (values,),
        statistic,
        n_resamples=500,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(3),
    )
    interval = bootstrap_interval(values, statistic, level=level, draws=500, seed=3)
    assert interval == pytest.approx(tuple(expected.confidence_interval), rel=1e-12)


def test_covers_the_true_mean_as_often_as_it_says():
    random = np.random.default_rng(0)
    hits = 0
    for repetition in range(300):
        low, high = bootstrap_interval(random.normal(3, 2, 100), draws=300, seed=repetition)
        hits += low <= 3 <= high
    assert 0.92 <= hits / 300 <= 0.98


@pytest.mark.parametrize(("level", "deviations"), [(0.95, 1.959964), (0.8, 1.281552)])
def test_is_near_the_interval_of_the_normal_theory(level, deviations):
    values = np.random.default_rng(0).normal(-5, 1, 400)
    half = deviations * values.std() / np.sqrt(len(values))
    low, high = bootstrap_interval(values, level=level, draws=4000)
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_recall_and_median_rank():
    ranks = np.random.default_rng(0).integers(100, size=1000)
    low, high = bootstrap_interval(ranks, lambda drawn: recall_at_k(drawn, 10))
    share = np.mean(ranks < 10)
    half = 1.96 * 100 * np.sqrt(share * (1 - share) / 1000)
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)
    low, high = bootstrap_interval(ranks, median_rank, draws=500)
    assert low < median_rank(ranks) < high
    assert low == int(low) or low * 2 == int(low * 2)


def test_rows_stay_together():
    random = np.random.default_rng(0)
    a = random.normal(0, 10, 200)
    pairs = np.stack([a, a + random.normal(1, 0.1, 200)], axis=1)
    low, high = bootstrap_interval(pairs, lambda drawn: np.mean(drawn[:, 1] - drawn[:, 0]))
    assert 0.97 < low < high < 1.03  # unpaired it would be some 4 wide


def test_the_seed_decides():
    values = np.random.default_rng(0).normal(size=50)
    first, again, other = (bootstrap_interval(values, draws=100, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_equal_rows_leave_no_doubt():
    assert bootstrap_interval(np.full(10, 2.5), draws=50) == (2.5, 2.5)


@pytest.mark.parametrize(
    ("rows", "level", "message"),
    [(np.zeros(1), 0.95, "two rows, got 1"), (np.zeros(5), 95, "0 < level < 1")],
)
def test_refusals(rows, level, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(rows, level=level)
