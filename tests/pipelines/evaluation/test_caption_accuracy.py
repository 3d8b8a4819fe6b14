import math
import random
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.scenes.dataset import captions, is_held_out, render, sample_scene
from pipelines.evaluation.caption_accuracy import caption_accuracy, read_told
from pipelines.judges import open_judge
from t2i_tf.errors import UserError
from tests.data_folders import make_examples, write_data_folder


def scenes(split, count):
    rng = random.Random(split)
    for k in range(count):
        scene = sample_scene(rng, held_out=split == "held_out")
        yield f"{split}{k}", render(scene, 32, rng), captions(scene, rng), scene.attributes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    counts = {"train": 1, "test": 16, "held_out": 6}
    splits = {split: list(scenes(split, count)) for split, count in counts.items()}
    path = tmp_path_factory.mktemp("scenes") / "data"
    return DataFolder.open(write_data_folder(path, splits, shard_size=10))


class Draftsman:
    """Draws what the captions of the first test pictures say, of others the first of these."""

    def __init__(self, folder, pictures=16):
        self.right = {one.caption: one.image for one in read_told(folder, "test", pictures)}
        self.seeds = []

    def draw_pairs(self, pairs):
        self.seeds += [seed for _, seed in pairs]
        wrong = self.right[next(iter(self.right))]
        return [SimpleNamespace(image=self.right.get(caption, wrong)) for caption, _ in pairs]


def test_right_drawings_are_told_from_wrong_ones(folder):
    draftsman = Draftsman(folder)
    accuracy = caption_accuracy(draftsman, folder, pictures=8, seed=5)
    assert draftsman.seeds == list(range(5, 5 + 8 + 6))
    assert min(v for v in accuracy.judge.values() if not math.isnan(v)) > 0.9
    assert min(v for v in accuracy.seen.values() if not math.isnan(v)) > 0.8
    assert accuracy.held_out["object"] < 0.5


def test_drawings_of_digits_are_judged_by_the_judge_of_digits(tmp_path, monkeypatch):
    """The judge is replaced by one that knows the pictures by their grey."""
    asked = [("top left", 3), ("top right", 5), ("bottom left", 7), ("bottom right", 9)]
    examples = [
        (f"{k}", np.full((2, 1, 1), k, np.uint8), [f"a {digit} at the {place}"], told)
        for k, (place, digit) in enumerate(asked)
        for told in [{"place": place, "digits": [digit], "template": 4}]
    ]
    splits = {"train": examples, "test": examples, "held_out": examples}
    folder = DataFolder.open(write_data_folder(tmp_path / "data", splits))

    def judge(images):
        return [dict([asked[image[0, 0, 0]]]) for image in images]

    monkeypatch.setattr(
        open_judge, "open_digit_judge", lambda _: (SimpleNamespace(judge=judge), None)
    )
    accuracy = caption_accuracy(Draftsman(folder, pictures=2), folder, pictures=4)
    assert accuracy.judge == {"digit": 1.0, "place": 1.0, "both": 1.0}
    assert accuracy.seen == {"digit": 0.5, "place": 0.5, "both": 0.5}


def test_captions_take_turns(folder):
    told = read_told(folder, "held_out", 6)
    wanted = [entry[2][k % 5] for k, entry in enumerate(scenes("held_out", 6))]
    assert [one.caption for one in told] == wanted
    assert all(is_held_out(one.scene) for one in told)


def test_data_that_are_no_scenes_are_refused(tmp_path):
    splits = {"train": make_examples(1), "test": make_examples(2)}
    folder = DataFolder.open(write_data_folder(tmp_path / "data", splits))
    with pytest.raises(UserError, match="do not tell their scenes"):
        read_told(folder, "test", 2)
