import numpy as np
import pytest

from t2i_tf.metrics.kid_precision_recall import kid, precision_recall


def column(*numbers):
    return np.array(numbers, float)[:, None]


def kid_by_pairs(a, b):
    """Equation 4 of Binkowski et al., pair by pair."""

    def k(x, y):
        return (sum(p * q for p, q in zip(x, y, strict=True)) / len(x) + 1) ** 3

    within = [
        sum(k(x, y) for i, x in enumerate(rows) for j, y in enumerate(rows) if i != j)
        / (len(rows) * (len(rows) - 1))
        for rows in (a, b)
    ]
    return sum(within) - 2 * sum(k(x, y) for x in a for y in b) / (len(a) * len(b))


def test_kid_by_hand():
    # k(0, .) = 1; k(1, 1) = 8: within a 1, within b 8, between 1.
    assert kid(column(0, 0), column(1, 1)) == pytest.approx(1 + 8 - 2 * 1)
    # k(1, 2) = 27, k(1, -1) = 0, k(2, -1) = -1: within 27 and 0, between (8 - 1 + 0 + 0 + ...) / 4.
    between = (8 + 0 + 27 - 1) / 4  # k(1, 1), k(1, -1), k(2, 1), k(2, -1)
    assert kid(column(1, 2), column(1, -1)) == pytest.approx(27 + 0 - 2 * between)
    # The product is divided by D: (1, 1) . (1, 1) / 2 = 1.
    assert kid(np.zeros((2, 2)), np.ones((2, 2))) == pytest.approx(7.0)


def test_kid_of_pairs_leaves_them_out():
    a, b = column(0, 1), column(1, 2)
    # Within a k(0, 1) = 1, within b k(1, 2) = 27; between k(0, 2) = 1 and k(1, 1) = 8.
    assert kid(a, b, paired=True) == pytest.approx(1 + 27 - 2 * (1 + 8) / 2)
    random = np.random.default_rng(0)
    found, biased = [], []
    for _ in range(400):  # a picture and a drawing of its caption, from the same distribution
        captions = random.normal(size=(30, 4))
        real, drawn = captions + 0.3 * random.normal(size=(2, 30, 4))
        found.append(kid(real, drawn, paired=True))
        biased.append(kid(real, drawn))
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 3 * error < 0.1 * abs(np.mean(biased))
    with pytest.raises(ValueError, match="Expected pairs, got 2 and 3"):
        kid(column(0, 1), column(0, 1, 2), paired=True)


def test_kid_of_uneven_sets_in_blocks(monkeypatch):
    monkeypatch.setattr("t2i_tf.metrics.pairwise_distance.BLOCK", 4)
    random = np.random.default_rng(0)
    a, b = random.normal(size=(11, 3)), random.normal(1, 2, size=(6, 3))
    assert kid(a, b) == pytest.approx(kid_by_pairs(a, b))
    assert kid(b, a) == pytest.approx(kid(a, b))


def test_kid_is_zero_in_expectation_for_equal_distributions():
    random = np.random.default_rng(0)
    equal = [kid(*random.normal(size=(2, 30, 4))) for _ in range(1000)]
    error = np.std(equal) / np.sqrt(len(equal))
    assert abs(np.mean(equal)) < 3 * error
    # The estimate with the diagonal would be off by far more than that.
    bias = np.mean([((x**2).sum(1) / 4 + 1) ** 3 for x in random.normal(size=(30, 30, 4))]) / 30
    assert bias > 20 * error
    moved = [kid(random.normal(size=(30, 4)), random.normal(0.5, 1, (30, 4))) for _ in range(50)]
    assert np.mean(moved) > 10 * np.std(moved) / np.sqrt(len(moved))


def test_precision_and_recall_on_a_line():
    # Radii with k = 1: real 0, 1, 10 -> 1, 1, 9: [-1, 2] and [1, 19]. Fake 3, 5, 30 -> 2, 2, 25.
    real, fake = column(0, 1, 10), column(-2, 20, 19, -1)
    assert precision_recall(real, fake, k=1).precision == pytest.approx(2 / 4)  # 19 and -1
    assert precision_recall(column(3, 5, 30), real, k=1).precision == pytest.approx(2 / 3)
    # Fake -2, -1, 19, 20 have radius 1 each: they cover 0 (surface), not 1, not 10.
    assert precision_recall(real, fake, k=1).recall == pytest.approx(1 / 3)
    # With k = 2: real 10, 9, 10: [-10, 10], [-8, 10], [0, 20]. Fake 21, 20, 20, 21: everything.
    assert precision_recall(real, fake, k=2) == (1.0, 1.0)


def test_precision_and_recall_in_the_plane():
    square = np.array(
        [[0.0, 0], [0, 2], [2, 0], [2, 2]]
    )  # radius 2 with k = 1 and 2, 2 sqrt 2 at 3
    fake = np.array([[1.0, 1], [4, 0], [3.5, 3.5], [100, 0], [104, 3]])
    # (1, 1) and (4, 0) are within 2 of a corner; (3.5, 3.5) is sqrt 4.5 from (2, 2).
    assert precision_recall(square, fake, k=2).precision == pytest.approx(2 / 5)
    assert precision_recall(square, fake, k=3).precision == pytest.approx(3 / 5)
    # Nearest others: sqrt 10, sqrt 10, sqrt 12.5, 5, 5: (1, 1) covers all corners.
    assert precision_recall(square, fake, k=1).recall == 1.0
    assert precision_recall(square, fake[-2:], k=1) == (0.0, 0.0)


def test_a_set_covers_itself_and_not_what_is_far():
    random = np.random.default_rng(0)
    a = random.normal(size=(60, 5))
    assert precision_recall(a, a) == (1.0, 1.0)
    assert precision_recall(a, a + 100) == (0.0, 0.0)
    # Half of the modes drawn: all that is drawn is right, half of what is real is drawn.
    both = np.concatenate([a, a + 100])
    assert precision_recall(both, a) == (1.0, 0.5)


def test_precision_and_recall_in_blocks(monkeypatch):
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(50, 3)), random.normal(0.7, 1.5, size=(37, 3))
    whole = precision_recall(real, fake)
    monkeypatch.setattr("t2i_tf.metrics.pairwise_distance.BLOCK", 8)
    assert precision_recall(real, fake) == whole

    def covered(points, members):  # member by member, distances by subtraction
        radii = [sorted(np.linalg.norm(members - m, axis=1))[3] for m in members]
        return np.mean(
            [
                any(np.linalg.norm(p - m) <= r for m, r in zip(members, radii, strict=True))
                for p in points
            ]
        )

    assert whole == pytest.approx((covered(fake, real), covered(real, fake)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kid(np.zeros((2, 3)), np.zeros((2, 4))), "of one D"),
        (lambda: kid(np.zeros(3), np.zeros(3)), "of one D"),
        (lambda: kid(np.zeros((1, 3)), np.zeros((5, 3))), "at least two rows"),
        (lambda: kid(np.zeros((2, 3)), np.full((2, 3), np.nan)), "b: expected finite"),
        (lambda: precision_recall(np.zeros((3, 2)), np.zeros((9, 2))), "more than k rows"),
        (lambda: precision_recall(np.zeros((9, 2)), np.zeros((9, 2)), k=0), "k >= 1"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
