import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from pipelines.studies.bits_per_dim import pixel_models
from pipelines.studies.bits_per_dim.pixel_models import (
    full_gaussian_bits,
    histogram_bits,
    pixelwise_gaussian_bits,
)


def pictures(count, seed=0, shape=(2, 3, 1)):
    """Pictures whose pixels go together, with black and white among them."""
    rng = np.random.default_rng(seed)
    common = rng.normal(120, 60, (count, 1, 1, 1))
    return (common + rng.normal(0, 12, (count, *shape))).round().clip(0, 255).astype(np.uint8)


def every_value(train):
    """Pictures of a single value, from 0 to 255."""
    return np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None, None, None], (256, 1, 1, 1))


def test_histogram_by_hand():
    train = np.uint8([[[[0, 7]], [[0, 8]]], [[[0, 8]], [[1, 8]]]])  # [2, 2, 1, 2]
    images = np.uint8([[[[0, 8]], [[1, 200]]]])
    # Of 0 and 1 in the first channel, of 8 and 200 in the second.
    shares = np.array([4, 4, 2, 1]) / 260
    assert histogram_bits(train, images) == pytest.approx(-np.log2(shares).mean())


@pytest.mark.parametrize("model", [histogram_bits, pixelwise_gaussian_bits])
def test_probabilities_sum_to_one(model):
    train = pictures(50, shape=(1, 1, 1))
    total = (2.0 ** -model(train, every_value(train))).sum()
    assert total == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("block", [7, 2_048])
def test_pixelwise_gaussian_is_the_mass_of_each_value(monkeypatch, block):
    monkeypatch.setattr(pixel_models, "BLOCK", block)
    train, images = pictures(80), pictures(5, seed=1)
    x, mean = images.astype(float), train.mean(0)
    sigma = np.sqrt(train.var(0) + 1 / 12)
    low = np.where(x == 0, 0, norm.cdf(x - 0.5, mean, sigma))
    high = np.where(x == 255, 1, norm.cdf(x + 0.5, mean, sigma))
    expected = -np.log2(high - low).mean((1, 2, 3))
    np.testing.assert_allclose(pixelwise_gaussian_bits(train, images), expected, rtol=1e-8)


def test_far_values_and_constant_pixels_have_finite_bits():
    train = np.full((9, 2, 2, 3), 17, np.uint8)
    for value in (0, 17, 255):
        images = np.full((1, 2, 2, 3), value, np.uint8)
        bits = pixelwise_gaussian_bits(train, images)
        assert np.isfinite(bits).all() and np.isfinite(full_gaussian_bits(train, images)).all()


@pytest.mark.parametrize("block", [7, 2_048])
def test_full_gaussian_is_the_density_at_noisy_pictures(monkeypatch, block):
    monkeypatch.setattr(pixel_models, "BLOCK", block)
    monkeypatch.setattr(pixel_models, "SHRINKAGE", (0.1,))
    train, images = pictures(200), pictures(7, seed=1)
    rows = train.reshape(200, -1).astype(float)
    noise = np.random.default_rng(3)
    noise.uniform(-0.5, 0.5, (20, 6))  # of the pictures that choose the shrinkage
    x = images.reshape(7, -1) + noise.uniform(-0.5, 0.5, (7, 6))
    kept = rows[np.arange(200) % 10 != 0]
    covariance = np.cov(kept.T, bias=True)
    covariance = 0.9 * covariance + 0.1 * np.diag(np.diag(covariance)) + np.eye(6) / 12
    density = multivariate_normal(kept.mean(0), covariance).logpdf(x)
    expected = -density / (6 * np.log(2))
    np.testing.assert_allclose(full_gaussian_bits(train, images, seed=3), expected, rtol=1e-10)


def test_covariance_pays_where_pixels_go_together_and_is_shrunk_where_pictures_are_few():
    train, images = pictures(2_000), pictures(200, seed=1)
    alone, full = pixelwise_gaussian_bits(train, images), full_gaussian_bits(train, images)
    assert full.mean() < alone.mean() - 1
    few = full_gaussian_bits(pictures(12, shape=(8, 8, 3)), pictures(50, 1, (8, 8, 3)))
    assert few.mean() < 8


def test_the_noise_costs_little():
    """The bound is hardly above the bits of the exact masses, where pixels do not go together."""
    rng = np.random.default_rng(0)
    train, images = (rng.normal(128, 20, (n, 2, 2, 1)).astype(np.uint8) for n in (3000, 500))
    exact, bound = pixelwise_gaussian_bits(train, images), full_gaussian_bits(train, images)
    assert exact.mean() - 0.01 < bound.mean() < exact.mean() + 0.03


def test_large_pictures_have_no_full_covariance():
    assert full_gaussian_bits(*(np.zeros((3, 40, 40, 3), np.uint8),) * 2) is None
