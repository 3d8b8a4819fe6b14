import numpy as np
import pytest
from scipy.linalg import sqrtm

from t2i_tf.metrics.frechet_distance import frechet_distance


def by_definition(a, b):
    covariances = [np.atleast_2d(np.cov(rows, rowvar=False)) for rows in (a, b)]
    root = sqrtm(covariances[0] @ covariances[1]).real
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(sum(covariances) - 2 * root)


def test_by_hand():
    # Means 1 and 4, standard deviations sqrt(2) and sqrt(8) = 2 sqrt(2): 3^2 + sqrt(2)^2.
    a, b = np.array([[0.0], [2.0]]), np.array([[2.0], [6.0]])
    assert frechet_distance(a, b) == pytest.approx(9 + 2)


@pytest.mark.parametrize("rows", [(40, 40), (40, 5), (4, 5)])
def test_the_definition(rows):
    random = np.random.default_rng(0)
    a = random.standard_normal((rows[0], 6)) @ random.standard_normal((6, 6))
    b = random.standard_normal((rows[1], 6)) @ random.standard_normal((6, 6)) + 1
    if min(rows) > 6:  # of a singular matrix scipy has no exact root
        assert frechet_distance(a, b) == pytest.approx(by_definition(a, b))
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_more_columns_than_rows_agree_with_the_same_features_in_fewer_columns():
    """Columns of zeros and a rotation change no distance."""
    random = np.random.default_rng(0)
    a, b = random.standard_normal((2, 8, 3))
    rotation = np.linalg.qr(random.standard_normal((20, 20)))[0][:3]
    wide = frechet_distance(a @ rotation, b @ rotation)
    assert wide == pytest.approx(frechet_distance(a, b)) == pytest.approx(by_definition(a, b))


def test_what_is_refused():
    with pytest.raises(ValueError, match="at least two rows each, got 1 and 2"):
        frechet_distance(np.zeros((1, 2)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="of one D"):
        frechet_distance(np.zeros((2, 3)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="expected finite"):
        frechet_distance(np.full((2, 2), np.nan), np.zeros((2, 2)))
