from pathlib import Path

import pytest

from pipelines.data.preparation.prepare import prepare
from pipelines.data.sources.coco import CocoSource
from t2i_tf.errors import UserError
from tests.pipelines.data.preparation.example_sources import Pictures, array_example


def test_bad_pictures_are_listed_with_their_reasons(prepared):
    _, manifest = prepared
    skipped = {Path(bad["file"]).name: bad["reason"] for bad in manifest["skipped"]}
    assert manifest["skipped"][0]["file"] == "train2014/002.jpg"  # wherever the folder lies
    assert list(skipped) == ["002.jpg", "011.jpg", "012.jpg", "030.jpg", "049.jpg"]
    assert skipped["002.jpg"].startswith("truncated JPEG: ends after")
    assert skipped["011.jpg"] == "empty file"
    assert skipped["012.jpg"] == "text (HTML or XML), not a picture"
    assert skipped["030.jpg"] == "missing"
    assert skipped["049.jpg"].startswith("not a picture")


def test_too_many_bad_pictures(coco, tmp_path):
    with pytest.raises(UserError, match=r"3 bad pictures .*1\.00% of 60: .*002\.jpg \(trunc"):
        prepare(CocoSource(coco), tmp_path / "out", shard_size=16)


def test_arrays_and_missing_captions(tmp_path):
    examples = [array_example(str(k)) for k in range(3)]
    examples[1] = array_example("1", captions=())
    manifest = prepare(
        Pictures(*examples), tmp_path / "out", height=8, width=8, channels=1, max_bad=0.5
    )
    assert manifest["written"] == 2
    assert manifest["skipped"] == [{"file": "1", "reason": "no caption"}]


def test_no_training_picture_can_be_read(files, tmp_path):
    for name in files.names["train"]:
        (files.folder / name).write_bytes(b"")
    with pytest.raises(
        UserError, match=r"nothing to train on: none of the 3 .*table/0\.png \(empty"
    ):
        prepare(files, tmp_path / "out", max_bad=1)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_an_empty_validation_split_is_told(files, tmp_path):
    (files.folder / "3.png").unlink()
    (note,) = prepare(files, tmp_path / "out", max_bad=1)["notes"]
    assert note["what"].startswith("No picture of the split val can be used")
