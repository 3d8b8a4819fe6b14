import numpy as np
import pytest

from pipelines.evaluation.distribution_metrics import realism_figures
from pipelines.evaluation.estimate import estimate, point
from pipelines.evaluation.features.inception import Inception
from pipelines.evaluation.image_similarity import similarity_figures
from pipelines.evaluation.told_and_drawn import right_figures
from pipelines.judges.open_judge import Judge
from t2i_tf.errors import UserError


def test_a_mean_and_where_it_lies():
    rows = np.random.default_rng(0).normal(5.0, 2.0, 400)
    found = estimate(rows)
    assert found["value"] == pytest.approx(rows.mean())
    half = 1.96 * rows.std() / 20
    assert found["low"] == pytest.approx(rows.mean() - half, abs=0.03)
    assert found["high"] == pytest.approx(rows.mean() + half, abs=0.03)
    assert estimate(np.array([3.0])) == point(3.0) == {"value": 3.0, "low": None, "high": None}


def test_what_was_not_asked_does_not_count():
    answers = {("red", "red"): (1.0, 0.5), ("red", "blue"): (0.0, 1.0), ("red", None): (np.nan, 0)}

    def accuracy(judged, wanted):
        colour, digit = answers[judged[0], wanted[0]]
        return {"colour": colour, "digit": digit, "shape": np.nan}

    found = right_figures(Judge(None, accuracy), ["red"] * 3, ["red", "blue", None])
    assert found["colour"]["value"] == 0.5 and found["digit"]["value"] == 0.5
    assert found["shape"] is None


def test_similarity_over_captions_and_drawings():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (3, 12, 12, 3), np.uint8)
    drawn = np.stack([images, random.integers(0, 256, images.shape, np.uint8)], axis=1)
    found = similarity_figures(drawn, images)
    assert 0.4 < found["mean"]["value"] < 0.6 and found["spread"]["value"] > 0.4
    assert similarity_figures(drawn[:, :, :8], images[:, :8]) is None  # smaller than the window


def test_realism_of_the_real():
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), np.uint8)
    networks = {"pixels": lambda x: x.reshape(len(x), -1) / 255.0, "none": None}
    found = realism_figures(images, images, networks)
    assert found["precision_recall"]["pixels"]["recall"]["value"] == 1.0
    assert found["kid"]["none"] is None and found["precision_recall"]["none"] is None
    other = realism_figures(images, np.zeros_like(images), networks)
    assert other["kid"]["pixels"]["value"] > 10 * abs(found["kid"]["pixels"]["value"])


def test_a_file_of_other_weights_is_refused(tmp_path):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"no weights")
    with pytest.raises(UserError, match="cannot be read as weights of InceptionV3"):
        Inception(path)
