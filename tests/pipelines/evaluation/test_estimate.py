import numpy as np
import pytest

from pipelines.evaluation.distribution_metrics import distribution_metrics
from pipelines.evaluation.estimate import (
    Estimate,
    bootstrap_estimate,
    in_digits,
    point_estimate,
    present,
    rows_by_picture,
)
from pipelines.evaluation.features.inception import Inception
from pipelines.evaluation.image_similarity import measure_similarity
from t2i_tf.errors import UserError


def test_a_mean_and_its_interval():
    rows = np.random.default_rng(0).normal(5.0, 2.0, 400)
    found = bootstrap_estimate(rows)
    assert found.value == pytest.approx(rows.mean())
    half = 1.96 * rows.std() / 20
    assert found.low == pytest.approx(rows.mean() - half, abs=0.03)
    assert found.high == pytest.approx(rows.mean() + half, abs=0.03)
    assert bootstrap_estimate(np.array([3.0])) == point_estimate(3.0) == Estimate(3.0, None, None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123, "0.012"),
        (0.0006, "0.001"),
        (0.00042, "0.00042"),
        (-3.14e-5, "-3.1e-05"),
        (0.0, "0.000"),
        (float("nan"), "nan"),
        (-1234.5, "-1,234.500"),
    ],
)
def test_a_small_number_is_not_rounded_to_zero(value, text):
    assert in_digits("{:,.3f}", value) == text


def test_the_captions_of_a_picture_are_one_row():
    rows = rows_by_picture([1, 2, 3, 4, 5, 6], [7, 3, 5, 7, 3, 7])
    np.testing.assert_array_equal(rows, [[2, 5, np.nan], [3, np.nan, np.nan], [1, 4, 6]])
    assert present(rows).tolist() == [2, 5, 3, 1, 4, 6]
    assert rows_by_picture([1, 2], None).tolist() == [[1], [2]]
    pairs = rows_by_picture([[1, 2], [3, 4], [5, 6]], [0, 0, 1])
    assert pairs.shape == (2, 2, 2) and present(pairs).tolist() == [[1, 2], [3, 4], [5, 6]]


def test_captions_that_agree_do_not_narrow_the_interval():
    values = np.random.default_rng(0).normal(size=200)
    pictures = np.tile(np.arange(200), 5)
    alone = bootstrap_estimate(rows_by_picture(values, None), lambda rows: present(rows).mean())
    repeated = bootstrap_estimate(
        rows_by_picture(np.tile(values, 5), pictures), lambda rows: present(rows).mean()
    )
    assert repeated.high - repeated.low == pytest.approx(alone.high - alone.low)


def test_similarity_over_captions_and_drawings():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (3, 12, 12, 3), np.uint8)
    drawn = np.stack([images, random.integers(0, 256, images.shape, np.uint8)], axis=1)
    found = measure_similarity(drawn, images)
    assert 0.4 < found.mean.value < 0.6 and found.spread.value > 0.4
    assert measure_similarity(drawn[:, :, :8], images[:, :8]) is None  # smaller than the window


def test_real_images_resemble_themselves():
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), np.uint8)
    networks = {"pixels": lambda x: x.reshape(len(x), -1) / 255.0, "none": None}
    found = distribution_metrics(images, images, networks)
    assert found.precision_recall["pixels"].recall.value == 1.0
    assert found.kid["none"] is None and found.precision_recall["none"] is None
    other = distribution_metrics(images, np.zeros_like(images), networks)
    assert other.kid["pixels"].value > 10 * abs(found.kid["pixels"].value)
    small = distribution_metrics(images[:3], images[:3], networks)
    assert small.kid["pixels"] is None and small.precision_recall["pixels"] is None


def test_a_file_of_other_weights_is_refused(tmp_path):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"no weights")
    with pytest.raises(UserError, match="cannot be read as weights of InceptionV3"):
        Inception(path)
