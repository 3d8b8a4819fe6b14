"""Random horizontal flips of training pictures."""

import numpy as np
import pytest

from pipelines.data.batches.batch_plan import BatchPlan
from pipelines.data.prepared.data_folder import DataFolder
from tests.data_folders import make_examples, write_data_folder

SIDES = ("left", "right", "links", "右边")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    examples = make_examples(120)
    sided = [
        (f"side{k}", image, [f"a dog on the {side}"], {})
        for k, (_, image, *_) in enumerate(make_examples(40, seed=1))
        for side in [SIDES[k % len(SIDES)]]
    ]
    path = write_data_folder(tmp_path_factory.mktemp("data"), {"train": examples + sided})
    return DataFolder.open(path)


def batches(folder, start_step=0, steps=8, seed=3, **options):
    plan = BatchPlan.of(folder, batch_size=64, seed=seed, **options)
    return list(plan.dataset(start_step, steps).as_numpy_iterator())


def flipped(folder, **options):
    """Which pictures of each batch are flipped, and which captions name a side; [steps, B]."""
    originals = batches(folder, **options)
    flips = batches(folder, horizontal_flip=True, **options)
    sides = folder.vocabulary.ids(side for side in SIDES if side in folder.vocabulary)
    found = []
    for original, batch in zip(originals, flips, strict=True):
        np.testing.assert_array_equal(batch["token_ids"], original["token_ids"])
        same = (batch["image"] == original["image"]).all((1, 2, 3))
        mirrored = (batch["image"] == original["image"][:, :, ::-1]).all((1, 2, 3))
        assert (same ^ mirrored).all()
        found.append((mirrored, np.isin(batch["token_ids"], sides).any(1)))
    return np.array(found).transpose(1, 0, 2)


@pytest.mark.parametrize("mode", ["ram", "stream"])
def test_half_of_the_pictures_are_flipped_unless_the_caption_names_a_side(folder, mode):
    mirrored, sided = flipped(folder, mode=mode)
    assert sided.any() and not mirrored[sided].any()
    assert mirrored[~sided].mean() == pytest.approx(0.5, abs=0.1)  # four standard deviations
    assert len({row.tobytes() for row in mirrored}) == len(mirrored)  # drawn anew at every step


def test_seed_and_step_determine_the_flips(folder):
    whole = batches(folder, horizontal_flip=True)
    rest = batches(folder, start_step=5, steps=3, horizontal_flip=True)
    for expected, batch in zip(whole[5:], rest, strict=True):
        np.testing.assert_array_equal(batch["image"], expected["image"])


def test_pictures_among_the_features_are_flipped_with_their_picture(folder):
    count = folder.split("train").captions
    images = np.random.default_rng(0).integers(0, 256, (count, 4, 6, 3), np.uint8)
    vectors = np.arange(count, dtype=np.float32)[:, None]
    features = {"extra_features": {"reconstruction": images, "sentence": vectors}}
    mirrored, _ = flipped(folder, **features)
    batch, *_ = batches(folder, steps=1, horizontal_flip=True, **features)
    expected = images[batch["sentence"][:, 0].astype(int)]
    expected[mirrored[0]] = expected[mirrored[0]][:, :, ::-1]
    np.testing.assert_array_equal(batch["reconstruction"], expected)


def test_a_vocabulary_without_sides(tmp_path):
    data = write_data_folder(tmp_path / "data", {"train": make_examples(30)})
    mirrored, sided = flipped(DataFolder.open(data), steps=3)
    assert not sided.any()
    assert mirrored.mean() == pytest.approx(0.5, abs=0.15)
