"""A sharpener that learns from a drawing model's own reconstructions."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from pipelines.data.precomputed.reconstructions import Reconstructions
from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import read_split_records
from pipelines.data.prepared.split_reader import CaptionReader
from pipelines.data.prepared.tfrecords import parse_batch
from pipelines.training.history import read_history
from pipelines.training.train import train
from t2i_tf import checkpoints
from t2i_tf.errors import UserError
from t2i_tf.presets import preset

LENGTHS = LengthRange(4, 16, 16)


def test_rows_are_the_models_reconstructions(data, runs):
    reader = CaptionReader(DataFolder.open(data))
    rows = Reconstructions(reader, runs / "draw", LENGTHS).pictures("val")
    captions = reader.read("val").text
    assert rows.shape == (len(captions), 8, 8, 3)
    read = [4 <= len(caption.split()) <= 16 for caption in captions]
    assert rows[read].any(axis=(1, 2, 3)).all() and not rows[np.logical_not(read)].any()
    trained = checkpoints.load(runs / "draw")
    k = read.index(True)  # of the first picture, if its captions are not all too short
    assert k < 5
    image = _first_picture(reader.folder)[None]
    caption = trained.reader(tf.constant(captions[k : k + 1]))
    expected = trained.model.reconstruct(image, caption, trained.model.noise([k]))[0]
    np.testing.assert_allclose(rows[k], 255 * expected, atol=1)


def test_another_run_with_other_lengths_has_rows_of_its_own(data, runs):
    """What one run leaves out and keeps black, the other reads."""
    reader = CaptionReader(DataFolder.open(data))
    words = reader.read("val").words
    for lengths in (LengthRange(8, 16), LengthRange(4, 16)):
        rows = Reconstructions(reader, runs / "draw", lengths).pictures("val")
        np.testing.assert_array_equal(rows.any(axis=(1, 2, 3)), lengths.contains(words))


@pytest.mark.slow  # the conformance suite trains one
def test_a_sharpener_trains_on_them(data, runs, tmp_path):
    config = preset("sharpening-tiny").config
    model = dataclasses.replace(config.model, pairs="both")
    config = dataclasses.replace(config, model=model, xla=False, steps=2, report_every=2)
    outcome = train(
        config, data, tmp_path / "run", sentences=runs / "skip", reconstructions=runs / "draw"
    )
    (row,) = read_history(tmp_path / "run" / "history.csv")
    assert outcome.step == 2 and np.isfinite(list(row.values())).all()


def test_a_model_that_reconstructs_nothing_is_refused(data, runs):
    with pytest.raises(UserError, match="SkipThought, which reconstructs no picture"):
        Reconstructions(CaptionReader(DataFolder.open(data)), runs / "skip", LENGTHS)


def _first_picture(folder):
    record = next(iter(read_split_records(folder, "val").batch(1)))
    return parse_batch(record, folder.shape)["image"][0]
