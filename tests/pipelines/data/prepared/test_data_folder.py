import dataclasses
import json
from pathlib import Path

import pytest

from pipelines.data.prepared.data_folder import DataFolder, beside, make_beside
from t2i_tf.errors import UserError
from tests.data_folders import make_examples, write_data_folder


@pytest.fixture
def path(tmp_path):
    splits = {"train": make_examples(50), "val": make_examples(5, prefix="val")}
    return write_data_folder(tmp_path / "data", splits)


def change_manifest(path, **changes):
    file = path / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_data_folder_reports_its_contents(path):
    folder = DataFolder.open(str(path))
    assert folder.shape == (folder.height, folder.width, folder.channels) == (4, 6, 3)
    assert [shard.examples for shard in folder.shards("train")] == [20, 20, 10]
    assert folder.shards("val")[0].path == path / "val-00000-of-00001.tfrecord"
    assert folder.split("val").examples == 5
    assert folder.facts == {"seed": 0}
    assert "dog" in folder.vocabulary


def test_a_data_folder_cannot_be_changed(path):
    with pytest.raises(dataclasses.FrozenInstanceError):
        DataFolder.open(path).path = path


def test_the_fingerprint_follows_the_manifest(path):
    before = DataFolder.open(path).fingerprint
    assert DataFolder.open(path).fingerprint == before
    change_manifest(path, source="other")
    assert DataFolder.open(path).fingerprint != before


def test_a_missing_folder(tmp_path):
    with pytest.raises(UserError, match="nowhere: there is no such data folder"):
        DataFolder.open(tmp_path / "nowhere")


def test_an_empty_folder(tmp_path):
    with pytest.raises(UserError, match=r"expected a data folder.* it is empty"):
        DataFolder.open(tmp_path)


def test_a_folder_of_something_else(tmp_path):
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(UserError, match=r"has no manifest\.json"):
        DataFolder.open(tmp_path)
    with pytest.raises(UserError, match="found a file"):
        DataFolder.open(tmp_path / "photo.jpg")


def test_another_format(path):
    change_manifest(path, format=2)
    with pytest.raises(UserError, match="expected format 1, found 2"):
        DataFolder.open(path)


def test_a_manifest_of_another_schema(path):
    change_manifest(path, height="4")
    with pytest.raises(
        UserError, match=r"manifest\.json: wrong schema: Expected `int`.*height.*prepare` again"
    ):
        DataFolder.open(path)


def test_an_unknown_split(path):
    with pytest.raises(UserError, match=r"no split 'vall'\. Did you mean 'val'"):
        DataFolder.open(path).shards("vall")


def test_missing_shards(path):
    (path / "train-00001-of-00003.tfrecord").unlink()
    (path / "train-00002-of-00003.tfrecord").unlink()
    with pytest.raises(UserError, match=r"train-00001-of-00003\.tfrecord and 1 more is missing"):
        DataFolder.open(path)


def test_a_missing_vocabulary(path):
    (path / "vocabulary.txt").unlink()
    with pytest.raises(UserError, match=r"vocabulary\.txt"):
        DataFolder.open(path)


def test_what_belongs_to_a_data_folder_lies_beside_it_whatever_it_is_called(path, monkeypatch):
    (path / "inner").mkdir()
    for here, name in ((path, "."), (path / "inner", "..")):
        monkeypatch.chdir(here)
        assert beside(Path(name), "parts") == path.with_name("data-parts").resolve()
    assert beside(Path("runs/data"), "parts") == Path("runs/data-parts")


def test_a_place_where_nothing_can_be_kept_is_named_with_what_to_do(path):
    (path / "file").touch()
    with pytest.raises(UserError, match=r"file-sentences cannot be made: .* copy that to a place"):
        make_beside(beside(path / "file" / "data" / "file", "sentences"))
