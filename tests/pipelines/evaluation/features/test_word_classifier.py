import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.evaluation.features import word_classifier as module
from pipelines.evaluation.features.word_classifier import (
    Classifier,
    frequent_words,
    open_classifier,
    train_classifier,
    word_shares,
)
from pipelines.judges.cached_network import fingerprint
from t2i_tf.errors import UserError
from t2i_tf.text.vocabulary import Vocabulary
from tests.data_folders import write_data_folder

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

COLOURS = {"red": (200, 40, 40), "green": (40, 200, 40), "blue": (40, 40, 200)}


def examples(split, count, seed):
    random = np.random.default_rng(seed)
    for k in range(count):
        word = list(COLOURS)[k % 3]
        image = np.uint8(COLOURS[word] + random.integers(-40, 40, (12, 16, 3)))
        yield f"{split}{k}", image, [f"a {word} car", f"this is {word}"], {}


def write(path, count=48):
    splits = {"train": list(examples("train", count, 0)), "val": list(examples("val", 30, 1))}
    return DataFolder.open(write_data_folder(path, splits))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("colours") / "data")


@pytest.fixture(scope="module")
def kept(folder):
    """A classifier that was trained for a few steps, and is cached beside its data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STEPS", 40)
        return open_classifier(folder)


def test_learns_to_predict_the_words_of_captions(folder, kept):
    classifier, about = kept
    # The colour predicts every word but "car", whose share is always one half.
    sure = about.figures["nats_of_frequencies"] - 3 * 0.6365  # the entropy of 1 in 3
    assert about.figures["nats"] < sure + 0.4
    pictures = np.stack([image for _, image, _, _ in examples("test", 30, 2)])
    features = classifier.features(pictures)
    cosines = features @ features.T / features.shape[1]
    np.fill_diagonal(cosines, -1)
    assert (cosines.argmax(1) % 3 == np.arange(30) % 3).all()  # the nearest has the same colour
    assert np.square(features).mean(1) == pytest.approx(np.ones(30), rel=1e-5)


def test_features_do_not_depend_on_the_batch(kept):
    classifier, _ = kept
    pictures = np.random.default_rng(0).integers(0, 256, (300, 12, 16, 3), np.uint8)
    features = classifier.features(pictures)
    assert features.shape == (300, 128) and features.dtype == np.float32
    assert classifier.features(pictures[298:]) == pytest.approx(features[298:], abs=1e-4)
    assert classifier.features(pictures[:0]).shape == (0, 128)


def test_is_cached_and_loaded(folder, kept, monkeypatch):
    monkeypatch.setattr(module, "train_classifier", None)
    again, about = open_classifier(folder)
    assert about == kept[1]
    assert fingerprint(again) == fingerprint(kept[0]) == about.weights
    assert folder.path.with_name("data-classifier").is_dir()


def test_two_that_need_it_at_once_train_it_once(tmp_path, monkeypatch):
    folder, calls, second_trains = write(tmp_path / "data", count=3), [], Event()

    def train(*_, **__):
        if calls:
            second_trains.set()
        else:
            calls.append(pool.submit(open_classifier, folder))
            second_trains.wait(0.5)
        return {"nats": float(len(calls))}

    monkeypatch.setattr(module, "train_classifier", train)
    with ThreadPoolExecutor() as pool:
        _, about = open_classifier(folder)
        assert calls[0].result()[1] == about
    assert not second_trains.is_set()
    names = {path.name for path in (tmp_path / "data-classifier").iterdir()}
    assert names == {"weights.npz", "about.json"}


@pytest.mark.slow
def test_the_same_seed_trains_the_same_weights(folder):
    words = frequent_words(folder.vocabulary)
    first, again, other = (Classifier(words, 3) for _ in range(3))
    for classifier, seed in ((first, 1), (again, 1), (other, 2)):
        train_classifier(classifier, folder, steps=2, seed=seed)
    assert fingerprint(first) == fingerprint(again) != fingerprint(other)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: (path / "weights.npz").write_bytes(b"no"), "cannot be read.*Delete"),
        (lambda path: (path / "weights.npz").unlink(), "cannot be read.*Delete"),
        (lambda path: rewrite(path / "about.json", weights="0"), "does not match about.json"),
        (lambda path: rewrite(path / "about.json", data="0"), "trained on other data.*Delete"),
        (lambda path: (path / "about.json").write_text("{}"), "wrong schema.*Delete"),
    ],
)
def test_a_damaged_cache_or_one_of_other_data_is_refused(tmp_path, monkeypatch, damage, message):
    folder = write(tmp_path / "data", count=3)
    monkeypatch.setattr(module, "train_classifier", lambda *_, **__: {"nats": 1.0})
    open_classifier(folder)
    damage(tmp_path / "data-classifier")
    with pytest.raises(UserError, match=message):
        open_classifier(folder)


def rewrite(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_frequent_words():
    vocabulary = Vocabulary(("<pad>", "<unk>", "a", "b", "c"), (0, 0, 5, 9, 5))
    assert frequent_words(vocabulary) == ("b", "a", "c")
    assert frequent_words(vocabulary, 2) == ("b", "a")


def test_word_shares():
    captions = [["A red car, a bus", "a car"], ["blue"], []]
    shares = word_shares(captions, ("a", "red", "car", "blue"))
    assert shares.tolist() == [[1, 0.5, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]


@pytest.mark.parametrize("pictures", [np.zeros((1, 8, 8, 3)), np.zeros((1, 8, 8, 1), np.uint8)])
def test_images_of_another_type_or_shape_are_refused(pictures):
    with pytest.raises(ValueError, match=r"uint8 \[B, H, W, 3\]"):
        Classifier(["a"], 3).features(pictures)
