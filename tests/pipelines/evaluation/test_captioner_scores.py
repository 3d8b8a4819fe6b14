import random
from types import SimpleNamespace

import pytest

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.scenes.dataset import Scene, captions, render, sample_scene
from pipelines.evaluation.captioner_scores import named_right, score_captioner
from t2i_tf.errors import UserError
from t2i_tf.text.vocabulary import Vocabulary
from tests.data_folders import make_examples, write_data_folder


def scenes(count):
    rng = random.Random(0)
    for k in range(count):
        scene = sample_scene(rng)
        yield str(k), render(scene, 16, rng), captions(scene, rng), scene.attributes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("scores") / "data"
    splits = {"train": list(scenes(40)), "plain": make_examples(3, shape=(16, 16, 3)), "empty": []}
    return DataFolder.open(write_data_folder(path, splits))


class Parrot:
    """Returns captions in their order, whatever the images show."""

    def __init__(self, captions):
        self.captions, self.vocabulary = iter(captions), Vocabulary.from_counts({})

    def describe(self, images):
        return [SimpleNamespace(caption=next(self.captions)) for _ in images]


def test_right_captions_score_the_most(folder):
    scores = score_captioner(Parrot(entry[2][1] for entry in scenes(40)), folder, "train")
    assert scores.pictures == 40
    assert scores.bleu_4 == 1 and scores.cider > 2
    assert scores.named == {"object": 1, "colour": 1, "place": 1, "background": 1}


def test_a_limit_takes_the_first_pictures(folder):
    scores = score_captioner(Parrot(["a dog"] * 7), folder, "train", limit=7)
    assert scores.pictures == 7 and scores.bleu_4 < 0.1 and scores.cider >= 0
    assert score_captioner(Parrot(["a dog"]), folder, "train", limit=1).cider is None


def test_data_without_scenes_have_no_shares(folder):
    assert score_captioner(Parrot(["a big dog"] * 3), folder, "plain").named is None


def test_splits_without_pictures_are_refused(folder):
    with pytest.raises(UserError, match="found none"):
        score_captioner(Parrot([]), folder, "empty")
    with pytest.raises(UserError, match="no split 'tset'"):
        score_captioner(Parrot([]), folder, "tset")


def test_the_colour_counts_over_coloured_objects_alone():
    car, cat = Scene("car", "red", "snow"), Scene("cat", None, "snow")
    written = ["a red truck in the snow", "a red cat in the snow"]
    assert named_right(written, [car, cat]) == {
        "object": 0.5,
        "colour": 1.0,
        "place": 1.0,
        "background": 1.0,
    }
    assert named_right(["a cat in the snow on the left"], [cat]) == {
        "object": 1.0,
        "colour": None,
        "place": 0.0,
        "background": 1.0,
    }
