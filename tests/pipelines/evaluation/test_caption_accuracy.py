import math
import random
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_captioned_images
from pipelines.data.scenes.dataset import captions, is_held_out, render, sample_scene
from pipelines.evaluation import caption_accuracy
from pipelines.evaluation.caption_accuracy import (
    find_labels,
    judged_accuracy,
    measure_caption_accuracy,
)
from pipelines.evaluation.estimate import Estimate
from pipelines.evaluation.results import CaptionAccuracy
from pipelines.judges import label_judge
from pipelines.judges.label_judge import Judge
from t2i_tf.errors import UserError
from t2i_tf.text.tokenizer import split_words
from tests.data_folders import make_examples, write_data_folder

ALL_LENGTHS = LengthRange(1, 40)


def scenes(split, count):
    rng = random.Random(split)
    for k in range(count):
        scene = sample_scene(rng, held_out=split == "held_out")
        yield f"{split}{k}", render(scene, 16, rng), captions(scene, rng), scene.attributes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    counts = {"train": 1, "test": 16, "held_out": 6}
    splits = {split: list(scenes(split, count)) for split, count in counts.items()}
    path = tmp_path_factory.mktemp("scenes") / "data"
    return DataFolder.open(write_data_folder(path, splits, shard_size=10))


class PerfectSampler:
    """Draws captions of the first test images exactly, every other caption as the first image."""

    def __init__(self, folder, pictures=16, lengths=ALL_LENGTHS):
        test = read_captioned_images(folder, "test", pictures, lengths)
        self.images = dict(zip(test.captions, test.images, strict=True))
        self.captions, self.seeds = [], []

    def draw_images(self, captions, seeds, description):
        self.captions += captions
        self.seeds += list(seeds)
        first = next(iter(self.images.values()))
        images = [self.images.get(caption, first) for caption in captions]
        return SimpleNamespace(images=np.stack(images))


def test_right_drawings_score_above_wrong_ones(folder):
    sampler = PerfectSampler(folder)
    accuracy = measure_caption_accuracy(sampler, folder, ALL_LENGTHS, pictures=8, seed=5)
    assert sampler.seeds == list(range(5, 5 + 8 + 6))
    assert min(x.value for x in accuracy.judge.values() if x) > 0.9
    assert min(x.value for x in accuracy.judge_held_out.values() if x) > 0.8
    assert min(x.value for x in accuracy.seen.values() if x) > 0.8
    assert accuracy.held_out["object"].value < 0.5
    assert accuracy.held_out["object"].low <= accuracy.held_out["object"].value


def test_drawings_of_digits_are_judged_by_the_judge_of_digits(tmp_path, monkeypatch):
    """The judge is replaced by one that recognizes the images by their grey."""
    asked = [("top left", 3), ("top right", 5), ("bottom left", 7), ("bottom right", 9)]
    examples = [
        (f"{k}", np.full((2, 1, 1), k, np.uint8), [f"a {digit} at the {place}"], attributes)
        for k, (place, digit) in enumerate(asked)
        for attributes in [{"place": place, "digits": [digit], "template": 4}]
    ]
    splits = {"train": examples, "test": examples, "held_out": examples}
    folder = DataFolder.open(write_data_folder(tmp_path / "data", splits))

    def judge(images):
        return [dict([asked[image[0, 0, 0]]]) for image in images]

    monkeypatch.setattr(
        label_judge, "open_digit_judge", lambda _: (SimpleNamespace(judge=judge), None)
    )
    sampler = PerfectSampler(folder, pictures=2)
    accuracy = measure_caption_accuracy(sampler, folder, ALL_LENGTHS, pictures=4).fractions()
    assert accuracy["judge"] == {"digit": 1.0, "place": 1.0, "both": 1.0}
    assert accuracy["seen"] == {"digit": 0.5, "place": 0.5, "both": 0.5}


def test_captions_of_trained_lengths_take_turns(folder, monkeypatch):
    judge = Judge(lambda images: images, lambda judged, wanted: {"object": 1.0})
    monkeypatch.setattr(caption_accuracy, "open_label_judge", lambda *_: judge)
    lengths = LengthRange(4, 10)
    sampler = PerfectSampler(folder, lengths=lengths)
    measure_caption_accuracy(sampler, folder, lengths, pictures=6)

    def in_turn(split, count):
        for k, (_, _, its_captions, _) in enumerate(scenes(split, count)):
            usable = [c for c in its_captions if 4 <= len(split_words(c)) <= 10]
            if usable:
                yield usable[k % len(usable)]

    expected = [*list(in_turn("test", 16))[:6], *in_turn("held_out", 6)]
    assert sampler.captions == expected and 6 < len(expected) < 12


def test_held_out_captions_are_of_held_out_compositions(folder):
    held_out = read_captioned_images(folder, "held_out", 6, ALL_LENGTHS)
    assert all(map(is_held_out, find_labels(held_out, folder)))


def test_images_without_an_attribute_do_not_count():
    answers = {("red", "red"): (1.0, 0.5), ("red", "blue"): (0.0, 1.0), ("red", None): (np.nan, 0)}

    def accuracy(judged, wanted):
        colour, digit = answers[judged[0], wanted[0]]
        return {"colour": colour, "digit": digit, "shape": np.nan}

    judge = Judge(lambda images: images, accuracy)
    found = judged_accuracy(judge, ["red"] * 3, ["red", "blue", None])
    assert found["colour"].value == 0.5 and found["digit"].value == 0.5
    assert found["shape"] is None


def test_fractions_are_the_values_alone():
    accuracy = CaptionAccuracy(
        seen={"colour": Estimate(0.5, 0.4, 0.6), "object": None}, judge={"colour": Estimate(1.0)}
    )
    fractions = accuracy.fractions()
    assert fractions["seen"]["colour"] == 0.5 and math.isnan(fractions["seen"]["object"])
    assert fractions["judge"] == {"colour": 1.0} and fractions["held_out"] == {}


def test_data_without_labels_have_no_accuracy(tmp_path):
    splits = {"train": make_examples(1), "test": make_examples(2)}
    folder = DataFolder.open(write_data_folder(tmp_path / "data", splits))
    assert measure_caption_accuracy(None, folder, ALL_LENGTHS) is None
    with pytest.raises(UserError, match="which scene or digits"):
        label_judge.read_label(b'{"number": 0}', folder)
