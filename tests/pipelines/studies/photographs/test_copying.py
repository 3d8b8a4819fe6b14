"""Whether a system copies: with a system that does, and one that does not."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_images
from pipelines.sampling.sampler import SampledImages
from pipelines.studies.photographs import copying
from pipelines.studies.photographs.copying import DRAWINGS, PIXELS, REAL
from pipelines.studies.run_study import study
from pipelines.studies.study_context import StudyContext
from t2i_tf.errors import UsageError, UserError
from tests.data_folders import make_examples, write_data_folder

SHAPE = (8, 8, 3)


@pytest.fixture
def folder(tmp_path):
    splits = {
        "train": make_examples(30, shape=SHAPE),
        "test": make_examples(6, seed=1, shape=SHAPE, prefix="test"),
    }
    return DataFolder.open(write_data_folder(tmp_path / "data", splits))


@pytest.fixture
def context(folder, tmp_path, monkeypatch):
    """A function that makes the context of a system with given drawings, and features of a mean."""
    spaces = copying._spaces

    def with_means(folder, open_judge):
        pixels = spaces(folder, open_judge)[PIXELS]
        return {PIXELS: pixels, "means": copying.Space(lambda images: images.mean((1, 2)))}

    monkeypatch.setattr(copying, "EfficientNet", lambda: SimpleNamespace(features=None))
    monkeypatch.setattr(copying, "_spaces", lambda folder, _: with_means(folder, True))

    def make(draw):
        sampler = SimpleNamespace(
            model=SimpleNamespace(title="Drawer"),
            unknown_words=lambda _: [],
            draw_images=lambda captions, seeds, what: SampledImages(draw(len(captions)), None),
        )
        config = SimpleNamespace(min_words=1, max_words=20)
        trained = SimpleNamespace(config=config)
        return StudyContext(tmp_path, sampler, 1, SHAPE, False, folder, trained)

    return make


def by_name(found):
    return {row["to the nearest training picture"]: row for row in found.table}


def test_a_system_that_copies_is_seen(context, folder, tmp_path):
    train = read_images(folder, "train").images
    copies = np.array([9, 3, 3, 0, 29, 17])
    noisy = np.clip(train[copies].astype(int) + 1, 0, 255).astype(np.uint8)
    found = study("copying", context(lambda count: noisy[:count]), tmp_path / "out", captions=6)
    rows = by_name(found)
    drawn, real = rows[f"{DRAWINGS}, by {PIXELS}"], rows[f"{REAL}, by {PIXELS}"]
    assert drawn["median"] < 1 / 255 + 1e-6 and drawn["ratio to second"] < 0.05
    assert real["median"] > 0.3 and real["ratio to second"] > 0.9
    assert drawn["different"] == pytest.approx(5 / 6)
    assert drawn["share near"] == 1 and real["share near"] < 0.2
    written = json.loads(found.json.read_text())
    assert [one["pixels_index"] for one in written["drawings"]] == copies.tolist()
    assert {"means_index", "means_distance", "means_ratio", "seed"} <= set(written["drawings"][0])
    figure = Image.open(found.figures[0])
    assert figure.format == "PNG" and found.figures[0].name == "copying.png"


def test_a_system_that_does_not_is_at_the_distance_of_real_pictures(context, tmp_path):
    random = np.random.default_rng(5)
    fresh = random.integers(0, 256, (6, *SHAPE), np.uint8)
    rows = by_name(study("copying", context(lambda count: fresh), tmp_path / "out", captions=6))
    drawn, real = rows[f"{DRAWINGS}, by {PIXELS}"], rows[f"{REAL}, by {PIXELS}"]
    assert drawn["median"] == pytest.approx(real["median"], rel=0.1)
    assert drawn["least ratio"] > 0.9


def test_the_distance_by_pixels_is_the_root_mean_squared_difference(folder, monkeypatch):
    monkeypatch.setattr(copying, "EfficientNet", lambda: SimpleNamespace(features=None))
    pixels = {PIXELS: copying._spaces(folder, True)[PIXELS]}
    black, white = np.zeros((1, *SHAPE), np.uint8), np.full((2, *SHAPE), 255, np.uint8)
    found = copying._nearest_of(pixels, {"some": black}, white)["some"][PIXELS]
    assert found.distance == pytest.approx(1) and found.ratio == pytest.approx(1)


def test_what_is_refused(context, folder, align_run, scenes, tmp_path):
    with pytest.raises(UsageError, match="--data"):
        study("copying", align_run, tmp_path)
    with pytest.raises(UserError, match="expected two training pictures or more, found 1"):
        study("copying", align_run, tmp_path, data=scenes.path)
