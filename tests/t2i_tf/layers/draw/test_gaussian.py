import numpy as np

from t2i_tf.layers.draw.gaussian import Gaussian

MEAN, LOG_SIGMA, NOISE = np.random.default_rng(0).standard_normal((3, 2, 5, 4))


def test_a_sample_is_the_mean_plus_sigma_times_noise():
    gaussian = Gaussian(MEAN, LOG_SIGMA)
    np.testing.assert_allclose(gaussian.sample(NOISE), MEAN + np.exp(LOG_SIGMA) * NOISE)
    np.testing.assert_allclose(gaussian.sample(0 * NOISE), MEAN)


def test_the_distribution_sums_over_the_latent_units():
    distribution = Gaussian(MEAN, LOG_SIGMA).distribution()
    assert distribution.batch_shape == (2, 5)
    assert distribution.event_shape == (4,)
    residual = (NOISE - MEAN) / np.exp(LOG_SIGMA)
    expected = -0.5 * residual**2 - LOG_SIGMA - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(distribution.log_prob(NOISE), expected.sum(-1), rtol=1e-12)
