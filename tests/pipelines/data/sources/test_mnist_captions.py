import urllib.error
import urllib.request

import numpy as np
import pytest

from pipelines.data.sources import mnist_digits as digits_module
from pipelines.data.sources.mnist_captions import TEMPLATES, WORDS, MnistCaptionsSource
from pipelines.data.sources.mnist_digits import Digits, load_digits, load_sklearn_digits
from t2i_tf.errors import UsageError


@pytest.fixture(scope="module")
def squares():
    """Digits that are squares, in a different grey for each pool."""
    labels = np.arange(10)
    pool = {name: 100 + 50 * k for k, name in enumerate(("train", "val", "test"))}
    return Digits(
        "squares",
        {name: (np.full((10, 28, 28), grey, np.uint8), labels) for name, grey in pool.items()},
    )


@pytest.fixture(scope="module")
def source(squares):
    return MnistCaptionsSource(train=2000, val=50, test=50, held_out=400, digits=squares)


def corners(picture):
    """Row and column of the upper left corner, and height and width, of what is not black."""
    rows, columns = np.nonzero(picture[..., 0])
    return rows.min(), columns.min(), np.ptp(rows) + 1, np.ptp(columns) + 1


def test_captions(source):
    captions = [example.captions[0].split() for example in source.splits()["train"]]
    assert {len(caption) for caption in captions} == {12}
    assert len({word for caption in captions for word in caption}) == 22
    example = source.splits()["train"][0]
    assert example.captions[0] == TEMPLATES[example.attributes["template"]].sentence.format(
        *(WORDS[digit] for digit in example.attributes["digits"])
    )


def test_templates_are_equally_likely(source):
    templates = [example.attributes["template"] for example in source.splits()["train"]]
    assert np.bincount(templates, minlength=8) == pytest.approx([250] * 8, abs=60)


def test_places_and_offsets(source):
    found = {template.place: set() for template in TEMPLATES}
    for example in source.splits()["train"]:
        assert example.picture.shape == (60, 60, 1)
        assert example.picture.dtype == np.uint8
        found[example.attributes["place"]].add(corners(example.picture))
    near, far, wide, middle = range(3), range(30, 33), range(28, 33), range(16, 19)
    assert {(row, column) for row, column, *_ in found["top left"]} == {
        (row, column) for row in near for column in range(5)
    }
    assert {(row, column) for row, column, *_ in found["bottom right"]} == {
        (row, column) for row in far for column in wide
    }
    for place in ("on the left of", "on the right of"):
        assert {row for row, *_ in found[place]} == set(middle)
        assert {height for *_, height, _ in found[place]} == {28}  # one row for both
        assert {column for _, column, *_ in found[place]} == set(range(5))
    for place in ("at the top of", "at the bottom of"):
        assert {column for _, column, *_ in found[place]} == set(middle)
        assert {width for *_, width in found[place]} == {28}
        assert {row for row, *_ in found[place]} == set(near)


def test_the_first_digit_stands_where_the_caption_says():
    greys = np.stack([np.full((28, 28), 20 * (label + 1), np.uint8) for label in range(10)])
    pools = {name: (greys, np.arange(10)) for name in ("train", "val", "test")}
    source = MnistCaptionsSource(train=200, digits=Digits("greys", pools))
    where = {"on the left of": (30, 2), "on the right of": (30, 57)}
    where |= {"at the top of": (2, 30), "at the bottom of": (57, 30)}
    where |= {"top left": (14, 14), "bottom right": (46, 46)}
    where |= {"top right": (14, 46), "bottom left": (46, 14)}
    for example in source.splits()["train"]:
        row, column = where[example.attributes["place"]]
        if example.picture[row, column, 0]:  # a jittered edge may leave a pixel black
            first = example.attributes["digits"][0]
            assert example.picture[row, column, 0] == 20 * (first + 1)


def test_banned_slots_make_a_split_of_their_own(source):
    banned = source.facts()["banned"]
    assert sum(map(len, banned.values())) == 12
    for split, examples in source.splits().items():
        for example in examples:
            slots = banned[example.attributes["place"]]
            hit = any(a == b for a, b in zip(example.attributes["digits"], slots, strict=True))
            assert hit == (split == "held_out")


def test_writers_are_kept_apart(source):
    greys = {
        split: {int(example.picture.max()) for example in examples}
        for split, examples in source.splits().items()
    }
    assert greys == {"train": {100}, "val": {150}, "test": {200}, "held_out": {200}}


def test_an_example_follows_from_seed_split_and_index(squares, source):
    again = MnistCaptionsSource(train=9, digits=squares).splits()["train"][7]
    assert again.captions == source.splits()["train"][7].captions
    np.testing.assert_array_equal(again.picture, source.splits()["train"][7].picture)
    other = MnistCaptionsSource(seed=1, digits=squares)
    assert other.banned != source.banned
    texts = [[e.captions for e in one.splits()["test"][:20]] for one in (source, other)]
    assert texts[0] != texts[1]


def test_splits_are_sequences(source):
    train = source.splits()["train"]
    assert len(train) == 2000
    assert [example.id for example in train[1998:]] == ["train-001998", "train-001999"]
    with pytest.raises(IndexError):
        train[2000]


def test_sizes_must_be_positive(squares):
    with pytest.raises(UsageError, match="at least one example"):
        MnistCaptionsSource(val=0, digits=squares)


def test_sklearn_digits():
    digits = load_sklearn_digits()
    assert sum(len(labels) for _, labels in digits.pools.values()) == 1797
    for pictures, labels in digits.pools.values():
        assert pictures.shape == (len(labels), 28, 28)
        assert pictures.dtype == np.uint8
        assert set(labels) == set(range(10))
        assert pictures.max() > 200
        assert not pictures[:, :4].any()


def test_a_refused_download_falls_back(monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise urllib.error.URLError("refused")

    monkeypatch.setattr(digits_module, "keras_cache", lambda: tmp_path)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    assert load_digits().origin.startswith("sklearn")
