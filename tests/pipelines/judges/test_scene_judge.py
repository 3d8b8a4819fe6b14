import io
import random

import numpy as np
import pytest
from PIL import Image, ImageFilter

from pipelines.data.scenes.dataset import TALK_CAPTIONS, Scene, render, sample_scene
from pipelines.judges.scene_judge import SceneJudge, accuracy


@pytest.fixture(scope="module")
def judge():
    return SceneJudge()


@pytest.fixture(scope="module")
def fresh():
    """Pictures and scenes as a data set has them: seen and held out, saved as JPEG."""
    rng = random.Random("fresh")
    wanted = [sample_scene(rng, held_out=i % 2 == 1) for i in range(300)]
    return [through_jpeg(render(scene, 64, rng)) for scene in wanted], wanted


def through_jpeg(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95, subsampling=0)
    return Image.open(file).resize((32, 32), Image.Resampling.LANCZOS)


def pixels(pictures):
    return np.stack([np.asarray(picture) for picture in pictures])


def blurred_and_noisy(pictures):
    blurred = pixels([picture.filter(ImageFilter.GaussianBlur(1)) for picture in pictures])
    noise = np.random.default_rng(0).normal(0, 15, blurred.shape)
    return np.clip(blurred + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def judged(judge, fresh):
    """The scenes read in the fresh pictures, and in the same pictures blurred and noisy."""
    pictures, _ = fresh
    scenes = judge.judge(np.concatenate([pixels(pictures), blurred_and_noisy(pictures)]))
    return scenes[: len(pictures)], scenes[len(pictures) :]


def test_reads_fresh_pictures(judged, fresh):
    assert min(accuracy(judged[0], fresh[1]).values()) >= 0.98


def test_reads_blurred_and_noisy_pictures(judged, fresh):
    assert min(accuracy(judged[1], fresh[1]).values()) >= 0.95


def test_reads_the_talks_scenes_at_another_size(judge):
    wanted = [scene for study in TALK_CAPTIONS.values() for _, scene in study]
    pictures = np.stack([render(scene, 64) for scene in wanted])
    assert judge.judge(pictures) == wanted


def test_a_judge_of_another_shape_squashes_pictures():
    wanted = [Scene("car", "red", "snow", "left"), Scene("cat", None, "night", "top", "herd")]
    assert SceneJudge((24, 20)).judge(np.stack([render(scene, 32) for scene in wanted])) == wanted


def test_accuracy_counts_each_attribute_on_its_own():
    red_car = Scene("car", "red", "snow")
    cat = Scene("cat", None, "night", "left")
    judged = [Scene("car", "blue", "snow"), Scene("cat", None, "table", "left", "herd")]
    assert accuracy(judged, [red_car, cat]) == {
        "colour": 0.0,
        "background": 0.5,
        "object": 0.5,
        "place": 1.0,
    }


def test_accuracy_of_colour_needs_coloured_objects():
    cat = Scene("cat", None, "night")
    assert np.isnan(accuracy([cat], [cat])["colour"])


def test_refuses_floats(judge):
    with pytest.raises(ValueError, match="Expected images as uint8"):
        judge.judge(np.zeros((1, 32, 32, 3)))
