import numpy as np
import pytest

from t2i_tf.errors import UserError
from t2i_tf.metrics.ssim_diversity import diversity, ssim, uniform_ssim

data = pytest.importorskip("skimage.data")
structural_similarity = pytest.importorskip("skimage.metrics").structural_similarity

PRECISION = 1e-4  # of tf.image.ssim, which computes in float32


def reference(a, b):
    """scikit-image's, with the settings of Wang et al.; it cuts off the same border of 5 pixels."""
    return structural_similarity(
        a.astype(np.float64) / 255,
        b.astype(np.float64) / 255,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=-1,
    )


def noisy(picture, sigma, random):
    return np.uint8(np.clip(picture + random.normal(0, sigma, picture.shape), 0, 255))


def pairs():
    random = np.random.default_rng(0)
    for photograph in (data.astronaut(), data.coffee(), data.camera()[..., None]):
        for size in (32, 60):
            picture = photograph[100 : 100 + size, 200 : 200 + size + 3]
            yield picture, noisy(picture, 20, random)
            yield picture, photograph[50 : 50 + size, 150 : 150 + size + 3]
            yield picture, noisy(np.zeros(picture.shape), 80, random)


@pytest.mark.parametrize(("picture", "other"), list(pairs()))
def test_agrees_with_scikit_image(picture, other):
    found = ssim(picture, other)
    assert found == pytest.approx(reference(picture, other), abs=PRECISION)
    scaled = ssim(picture / np.float32(255), other / np.float32(255))
    assert scaled == pytest.approx(found, abs=1e-6)


@pytest.mark.parametrize(("picture", "other"), list(pairs()))
def test_the_uniform_one_agrees_with_scikit_images_old_defaults(picture, other):
    """Its range of floats was 2, and it is that no more: it has to be named."""
    a, b = (image.astype(np.float64) / 255 for image in (picture, other))
    expected = structural_similarity(a, b, data_range=2.0, channel_axis=-1)
    assert uniform_ssim(picture, other) == pytest.approx(expected, abs=PRECISION)
    both = uniform_ssim(np.stack([picture, other]), picture[None])
    assert both.shape == (2,) and both[0] == pytest.approx(1, abs=PRECISION)


def test_the_uniform_window_must_fit():
    with pytest.raises(UserError, match="at least 7x7 pixels, its window; got 6x9"):
        uniform_ssim(np.zeros((6, 9, 3), np.uint8), np.zeros((6, 9, 3), np.uint8))


def test_known_values():
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (16, 20, 3), np.uint8)
    assert ssim(picture, picture) == pytest.approx(1.0, abs=1e-6)
    # Flat pictures have neither variance nor covariance: only the means are compared.
    low, high = np.full((12, 12, 1), 0.25), np.full((12, 12, 1), 0.75)
    expected = (2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)
    assert ssim(low, high) == pytest.approx(expected, abs=PRECISION)
    black, white = np.zeros((12, 12, 1), np.uint8), np.full((12, 12, 1), 255, np.uint8)
    assert ssim(black, white) == pytest.approx(1e-4 / (1 + 1e-4), abs=1e-6)


def test_drawings_against_their_picture(monkeypatch):
    monkeypatch.setattr("t2i_tf.metrics.ssim_diversity.CHUNK", 4)
    random = np.random.default_rng(0)
    drawings = random.integers(0, 256, (3, 5, 12, 14, 1), np.uint8)
    pictures = random.integers(0, 256, (3, 1, 12, 14, 1), np.uint8)
    found = ssim(drawings, pictures)
    assert found.shape == (3, 5)
    assert found[2, 4] == pytest.approx(reference(drawings[2, 4], pictures[2, 0]), abs=PRECISION)
    assert ssim(drawings[:, :0], pictures).shape == (3, 0)


@pytest.mark.parametrize(
    ("a", "b", "error", "message"),
    [
        (np.zeros((10, 32, 3)), np.zeros((10, 32, 3)), UserError, "at least 11x11.*10x32"),
        (np.zeros((12, 12, 1)), np.zeros((12, 13, 1)), ValueError, "of one size"),
        (np.full((12, 12, 1), 200.0), np.zeros((12, 12, 1)), ValueError, "0 to 1, got 200"),
        (np.zeros((12, 12, 1), int), np.zeros((12, 12, 1)), ValueError, "uint8 or floats"),
        (np.zeros((12, 12)), np.zeros((12, 12)), ValueError, r"\[..., H, W, C\]"),
    ],
)
def test_refusals(a, b, error, message):
    with pytest.raises(error, match=message):
        ssim(a, b)


def test_diversity_by_hand():
    samples = np.zeros((3, 1, 2, 1))
    samples[1, 0, 0] = 1.0  # one of two pixels: sqrt(1 / 2) from the first
    samples[2] = 1.0  # 1 from the first, sqrt(1 / 2) from the second
    expected = (2 * np.sqrt(0.5) + 1) / 3
    assert diversity(samples) == pytest.approx(expected)
    assert diversity(np.uint8(255 * samples)) == pytest.approx(expected)
    assert diversity(np.stack([samples, 0 * samples])) == pytest.approx([expected, 0.0])


def test_diversity_of_noise():
    """The difference of two uniform numbers has the mean square 1/6."""
    samples = np.random.default_rng(0).random((20, 32, 32, 3))
    assert diversity(samples) == pytest.approx(np.sqrt(1 / 6), rel=0.01)


@pytest.mark.parametrize("shape", [(1, 4, 4, 3), (4, 4, 3)])
def test_one_drawing_has_no_diversity(shape):
    with pytest.raises(ValueError, match="several drawings"):
        diversity(np.zeros(shape))
