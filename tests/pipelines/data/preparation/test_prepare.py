import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from pipelines.data.pictures.image_loading import PictureReader
from pipelines.data.pictures.resizing import ResizeOptions
from pipelines.data.preparation.picture_states import IN_TWO_SPLITS, WHAT_TO_DO
from pipelines.data.preparation.prepare import prepare
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import read_split_records
from pipelines.data.prepared.tfrecords import parse_batch
from pipelines.data.sources.coco import CocoSource
from t2i_tf.errors import UsageError, UserError
from tests.pipelines.data.preparation.example_sources import Pictures, array_example


def test_manifest_and_files(prepared):
    out, manifest = prepared
    assert json.loads((out / "manifest.json").read_text()) == manifest
    assert manifest["format"] == 1
    assert manifest["written"] == 55
    train, val = manifest["splits"]["train"], manifest["splits"]["val"]
    assert [shard["examples"] for shard in train["shards"]] == [7, 6, 8, 7, 8, 8, 1]
    assert (train["examples"], train["captions"]) == (45, 90)
    assert [shard["file"] for shard in val["shards"]] == [
        "val-00000-of-00002.tfrecord",
        "val-00001-of-00002.tfrecord",
    ]
    for split in manifest["splits"].values():
        for shard in split["shards"]:
            records = sum(1 for _ in tf.data.TFRecordDataset(str(out / shard["file"])))
            assert records == shard["examples"]
    expected = {shard["file"] for shard in train["shards"] + val["shards"]}
    assert {path.name for path in out.iterdir()} == expected | {
        "manifest.json",
        "pictures.json",
        "vocabulary.txt",
    }


def test_the_folder_holds_the_sources_examples(prepared, coco):
    folder = DataFolder.open(prepared[0])
    expected = CocoSource(coco).splits()["val"]
    records = read_split_records(folder, "val").batch(100)
    (found,) = [parse_batch(batch, folder.shape) for batch in records]
    assert [id.decode() for id in found["id"].numpy()] == [one.id for one in expected]
    captions = [[text.decode() for text in texts] for texts in found["captions"].to_list()]
    assert captions == [list(one.captions) for one in expected]
    pictures = [one.pixels for one in PictureReader(ResizeOptions()).read(expected)]
    np.testing.assert_array_equal(found["image"], pictures)


def test_the_vocabulary_is_that_of_the_written_training_captions(prepared):
    out, manifest = prepared
    words = {line.split()[0] for line in (out / "vocabulary.txt").read_text().splitlines()}
    assert {"an", "astronaut", ",", "number", "person", "."} <= words
    assert {"0", "48"} <= words
    assert words.isdisjoint({"2", "11", "50", "59", "An"})  # skipped pictures, validation
    assert manifest["vocabulary"]["size"] == 6 + 45 + 2  # padding and unknown


def test_copies_in_two_splits_are_told(files, tmp_path):
    shutil.copy(files.folder / "0.png", files.folder / "copy.png")
    files.names["test"] = ["copy.png"]
    manifest = prepare(files, tmp_path / "out")
    note, advice = manifest["notes"]
    assert (note["what"], note["count"]) == (IN_TWO_SPLITS, 1)
    assert note["first"] == ["table/copy.png of test is table/0.png of train"]
    assert advice["what"] == WHAT_TO_DO
    assert manifest["copies"] == [
        {"file": "table/copy.png", "split": "test", "of": "table/0.png", "of_split": "train"}
    ]


def test_a_vocabulary_without_words_is_refused(files, tmp_path):
    with pytest.raises(UserError, match=r"occurs --min-count 4 times: the commonest occurs 3 "):
        prepare(files, tmp_path / "out", min_count=4)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_nothing_to_train_on(tmp_path):
    with pytest.raises(UserError, match="expected examples to train on, found none"):
        prepare(Pictures(), tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filter": "lanzos3"}, "Did you mean 'lanczos3'"),
        ({"crop": "center"}, "Did you mean 'centre'"),
        ({"channels": 4}, "expected 1 or 3, got 4"),
        ({"height": 0}, "--height to be 1 or more and at most 4096, got 0"),
        ({"max_bad": float("nan")}, "--max-bad to be 0 or more and at most 1, got nan"),
        ({"workers": -3}, "--workers to be 1 or more and at most 1024, got -3"),
        ({"shard_size": 0}, "--shard-size to be 1 or more.*got 0"),
    ],
)
def test_unknown_options(tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        prepare(Pictures(array_example()), tmp_path / "out", **options)
