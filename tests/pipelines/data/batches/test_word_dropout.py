"""Word dropout in training batches."""

import numpy as np
import pytest

from pipelines.data.batches.batch_plan import BatchPlan
from pipelines.data.prepared.data_folder import DataFolder
from t2i_tf.text.vocabulary import PAD, UNKNOWN
from tests.data_folders import make_examples, write_data_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = write_data_folder(tmp_path_factory.mktemp("data"), {"train": make_examples(120)})
    return DataFolder.open(path)


def batches(folder, start_step=0, steps=8, **options):
    plan = BatchPlan.of(folder, batch_size=64, seed=3, **options)
    return list(plan.dataset(start_step, steps).as_numpy_iterator())


@pytest.mark.parametrize("mode", ["ram", "stream"])
def test_the_share_of_words_is_read_as_unknown_and_nothing_else_changes(folder, mode):
    originals = batches(folder, mode=mode)
    dropped, words = [], []
    for original, batch in zip(
        originals, batches(folder, mode=mode, word_dropout=0.3), strict=True
    ):
        np.testing.assert_array_equal(batch["image"], original["image"])
        changed = batch["token_ids"] != original["token_ids"]
        assert (batch["token_ids"][changed] == UNKNOWN).all()
        assert (original["token_ids"][changed] > UNKNOWN).all()
        dropped.append(changed.sum())
        words.append((original["token_ids"] != PAD).sum())
    deviation = np.sqrt(0.3 * 0.7 / sum(words))
    assert sum(dropped) / sum(words) == pytest.approx(0.3, abs=4 * deviation)
    assert len(set(dropped)) > 1  # drawn anew at every step


def test_seed_and_step_determine_the_words(folder):
    whole = batches(folder, word_dropout=0.3)
    rest = batches(folder, start_step=5, steps=3, word_dropout=0.3)
    for expected, batch in zip(whole[5:], rest, strict=True):
        np.testing.assert_array_equal(batch["token_ids"], expected["token_ids"])


def test_a_picture_of_a_dropped_side_is_not_flipped(tmp_path):
    examples = [
        (f"{k}", image, ["a dog on the left"], {})
        for k, (_, image, *_) in enumerate(make_examples(64))
    ]
    folder = DataFolder.open(write_data_folder(tmp_path / "data", {"train": examples}))
    (original,) = batches(folder, steps=1)
    (batch,) = batches(folder, steps=1, horizontal_flip=True, word_dropout=0.9)
    np.testing.assert_array_equal(batch["image"], original["image"])
