"""Extra features come with their captions, whichever way the records are read."""

import numpy as np
import pytest

from pipelines.data.batches.batch_plan import BatchPlan, evaluation_dataset
from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from t2i_tf.errors import UserError
from t2i_tf.text.tokenizer import Tokenizer
from tests.data_folders import make_examples, write_data_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    examples = make_examples(70, seed=3)
    path = write_data_folder(tmp_path_factory.mktemp("data") / "d", {"train": examples})
    return DataFolder.open(path)


@pytest.fixture(scope="module")
def feature(folder):
    """The ids of every caption, in the order of records and captions: what each batch repeats."""
    captions = [c for _, _, captions, _ in make_examples(70, seed=3) for c in captions]
    return Tokenizer(folder.vocabulary, 12)(captions, pad=True).numpy()


@pytest.mark.parametrize("mode", ["ram", "stream"])
def test_training_batches_have_the_rows_of_their_captions(folder, feature, mode):
    plan = BatchPlan.of(
        folder,
        batch_size=8,
        lengths=LengthRange(4, 8),
        mode=mode,
        extra_features={"copy": feature},
    )
    pictures = set()
    for batch in plan.dataset(steps=2 * plan.steps_per_epoch):
        assert set(batch) == {"image", "token_ids", "copy"}
        ids, copy = batch["token_ids"].numpy(), batch["copy"].numpy()
        np.testing.assert_array_equal(copy[:, : ids.shape[1]], ids)
        assert not copy[:, ids.shape[1] :].any()
        pictures |= {image.tobytes() for image in batch["image"].numpy()}
    assert len(pictures) > 50


@pytest.mark.parametrize("which", ["first", "all"])
def test_evaluation_batches_have_the_rows_of_their_captions(folder, feature, which):
    batches = evaluation_dataset(
        folder,
        "train",
        batch_size=16,
        captions_per_picture=which,
        lengths=LengthRange(4),
        extra_features={"copy": feature},
    )
    for batch in batches:
        ids, copy = batch["token_ids"].numpy(), batch["copy"].numpy()
        np.testing.assert_array_equal(copy[:, : ids.shape[1]], ids)


def test_a_feature_of_other_data_is_refused(folder, feature):
    with pytest.raises(UserError, match="expected a copy for each of"):
        BatchPlan.of(folder, batch_size=8, extra_features={"copy": feature[:-1]})
