import numpy as np
import pytest

from t2i_tf import losses
from t2i_tf.layers.draw.gaussian import Gaussian
from tests.reference import draw as reference

RNG = np.random.default_rng(0)
IMAGE = RNG.random((2, 3, 4, 3))
LOGITS = RNG.standard_normal(IMAGE.shape)


def test_bernoulli_nll_matches_the_equation():
    found = losses.bernoulli_nll(IMAGE, LOGITS)
    for b in range(2):
        expected = reference.bernoulli_nll(IMAGE[b], 1 / (1 + np.exp(-LOGITS[b])))
        assert float(found[b]) == pytest.approx(expected, rel=1e-12)


def test_bernoulli_nll_is_finite_where_probabilities_round_to_zero_and_one():
    image = np.array([[1.0, 0.0]], np.float32)
    assert float(losses.bernoulli_nll(image, np.float32([[-200, 200]]))[0]) == pytest.approx(400)


def test_the_entropy_is_the_nll_of_the_best_logits():
    best = np.log(IMAGE / (1 - IMAGE))
    entropy = losses.bernoulli_entropy(IMAGE)
    np.testing.assert_allclose(entropy, losses.bernoulli_nll(IMAGE, best), rtol=1e-12)
    assert (losses.bernoulli_nll(IMAGE, best + 0.1) > entropy).numpy().all()


def test_black_and_white_images_have_no_entropy():
    np.testing.assert_allclose(losses.bernoulli_entropy(np.float32([[0, 1, 1]])), [0], atol=1e-6)


def test_gaussian_nll_is_least_squares_with_a_scale():
    found = losses.gaussian_nll(IMAGE, LOGITS, np.log(0.3))
    for b in range(2):
        squares = np.sum((IMAGE[b] - LOGITS[b]) ** 2)
        expected = squares / (2 * 0.3**2) + IMAGE[b].size * np.log(0.3 * np.sqrt(2 * np.pi))
        assert float(found[b]) == pytest.approx(expected, rel=1e-12)


def test_kl_of_every_step_matches_the_closed_form():
    mean_q, log_q, mean_p, log_p = RNG.standard_normal((4, 3, 2, 5))
    found = losses.kl_per_step(Gaussian(mean_q, log_q), Gaussian(mean_p, log_p))
    assert found.shape == (3, 2)
    for t, b in np.ndindex(3, 2):
        expected = reference.gaussian_kl(
            (mean_q[t, b], np.exp(log_q[t, b])), (mean_p[t, b], np.exp(log_p[t, b]))
        )
        assert float(found[t, b]) == pytest.approx(expected, rel=1e-10)


def test_kl_of_a_gaussian_to_itself_is_zero():
    one = Gaussian(LOGITS[..., 0], LOGITS[..., 1])
    np.testing.assert_allclose(losses.kl_per_step(one, one), 0, atol=1e-12)
