import json
import math

import msgspec
import numpy as np
import pytest
import tensorflow as tf

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.sources.mnist_captions import TEMPLATES, MnistCaptionsSource
from pipelines.data.sources.mnist_digits import Digits
from pipelines.judges import digit_judge as module
from pipelines.judges.cached_network import fingerprint
from pipelines.judges.digit_judge import (
    PLACES,
    DigitJudge,
    digit_accuracy,
    open_digit_judge,
    read_digits,
    train_digit_judge,
    warped,
)
from tests.data_folders import write_data_folder


def glyphs():
    """Ten patterns in place of handwritten digits: digit k has two of five bars."""
    pictures = np.zeros((10, 28, 28), np.uint8)
    bars = [(a, b) for a in range(5) for b in range(a + 1, 5)]
    for picture, pair in zip(pictures, bars, strict=True):
        picture[4:24, 4:6] = 255  # a frame: every glyph fills the space of a digit
        for bar in pair:
            picture[4 + 4 * bar : 7 + 4 * bar, 4:24] = 255
    return pictures


@pytest.fixture(scope="module")
def source():
    pools = {name: (glyphs(), np.arange(10)) for name in ("train", "val", "test")}
    return MnistCaptionsSource(
        train=600, val=60, test=10, held_out=60, digits=Digits("bars", pools)
    )


@pytest.fixture(scope="module")
def folder(source, tmp_path_factory):
    splits = {
        split: [(e.id, e.picture, e.captions, e.attributes) for e in found]
        for split, found in source.splits().items()
    }
    return DataFolder.open(write_data_folder(tmp_path_factory.mktemp("digits") / "data", splits))


@pytest.fixture(scope="module")
def judge(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STEPS", 120)
        patch.setattr(module, "BATCH", 16)
        return open_digit_judge(folder)[0]


def images_and_digits(examples):
    pictures = np.stack([example.picture for example in examples])
    return pictures, [read_digits(json.dumps(example.attributes).encode()) for example in examples]


def test_reads_new_pictures_and_banned_digits(judge, source):
    pictures, wanted = images_and_digits(list(source.splits()["held_out"]))
    assert min(digit_accuracy(judge.judge(pictures), wanted).values()) > 0.9


def test_an_empty_picture_has_no_digits(judge):
    assert judge.judge(np.zeros((2, 60, 60, 1), np.uint8)) == [{}, {}]


def test_reads_pictures_of_another_size(judge, source):
    pictures, _ = images_and_digits(list(source.splits()["val"]))
    larger = pictures.repeat(2, axis=1).repeat(2, axis=2)
    assert judge.judge(larger) == judge.judge(pictures)
    assert judge.judge(pictures[:1])[0].keys() <= PLACES.keys()


def test_is_cached_and_loaded(judge, folder, monkeypatch):
    monkeypatch.setattr(module, "train_digit_judge", None)
    again, about = open_digit_judge(folder)
    assert fingerprint(again) == fingerprint(judge) == about.weights
    assert about.figures.keys() == {"digit", "place", "both"}


@pytest.fixture
def eager():
    """Without tracing a graph, which takes longer than a step."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_the_same_seed_trains_the_same_weights(folder, eager):
    judges = [DigitJudge() for _ in range(2)]
    for judge in judges:
        train_digit_judge(judge, folder, steps=1)
    assert fingerprint(judges[0]) == fingerprint(judges[1])


@pytest.mark.parametrize(
    ("place", "digits", "expected"),
    [
        ("on the left of", [3, 5], {"left": 3, "right": 5}),
        ("on the right of", [3, 5], {"right": 3, "left": 5}),
        ("at the top of", [7, 7], {"top": 7, "bottom": 7}),
        ("at the bottom of", [1, 2], {"bottom": 1, "top": 2}),
        ("top right", [9], {"top right": 9}),
    ],
)
def test_attributes_are_read(place, digits, expected):
    attributes = json.dumps({"template": 0, "place": place, "digits": digits}).encode()
    assert read_digits(attributes) == expected


@pytest.mark.parametrize(
    "attributes",
    [
        '{"number": 3}',
        '{"place": "left", "digits": [1]}',
        "{}",
        "no",
        '{"place": "top left", "digits": [1, 2]}',
    ],
)
def test_other_attributes_are_refused(attributes):
    with pytest.raises(msgspec.DecodeError):
        read_digits(attributes.encode())


def test_every_slot_of_every_template_is_a_place():
    slots = {where for t in TEMPLATES for where in zip(t.rows, t.columns, strict=True)}
    assert slots == set(PLACES.values())


def test_accuracy():
    wanted = [{"left": 3, "right": 5}, {"top": 2, "bottom": 2}, {"top left": 1}, {"top left": 4}]
    judged = [{"left": 5, "right": 3}, {"top": 2}, {"top left": 1}, {"top right": 4}]
    assert digit_accuracy(judged, wanted) == {
        "digit": 5 / 6,  # the second 2 of two
        "place": 2 / 4,
        "both": 1 / 4,
    }
    assert all(map(math.isnan, digit_accuracy([], []).values()))


def test_warping_moves_little_and_keeps_the_middle():
    pictures = np.zeros((40, 61, 61, 1), np.uint8)
    pictures[:, 29:32, 29:32] = 100
    pictures[:, 5:10, 5:10] = 200
    found = warped(pictures, np.random.default_rng(0))
    assert found.shape == pictures.shape and found.dtype == np.float32
    assert (found[:, 30, 30, 0] == 100).all()
    corner = found[:, :20, :20, 0]
    centres = np.stack(
        [(corner.sum(axis) * np.arange(20)).sum(1) / corner.sum((1, 2)) for axis in (1, 2)], 1
    )
    moved = np.linalg.norm(centres - 7, axis=1)
    assert moved.max() < 8 and moved.std() > 0.5


@pytest.mark.parametrize("shape", [(1, 60, 60, 3), (60, 60, 1)])
def test_other_pictures_are_refused(shape):
    with pytest.raises(ValueError, match=r"uint8 \[B, H, W, 1\]"):
        DigitJudge().judge(np.zeros(shape, np.uint8))
