from pathlib import Path

import pytest

from pipelines.data.sources.assembly.split_choice import Division
from pipelines.data.sources.detect import Hints, find_source
from pipelines.data.sources.parquet_pictures import FAILED
from t2i_tf.errors import UserError

pyarrow = pytest.importorskip("pyarrow")


def write(path, images, **columns):
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    columns.setdefault("text", ["a thing"] * len(images))
    parquet.write_table(pyarrow.table({"image": images, **columns}), path)


def examples(folder, **hints):
    splits = find_source(folder, None, Hints(**hints)).source.splits()
    return {one.id: (split, one.picture) for split, found in splits.items() for one in found}


def test_files_of_one_name_in_the_folders_of_splits(tmp_path):
    for split in ("train", "test"):
        write(tmp_path / "default" / split / "0000.parquet", [b"1", b"2"])
    found = examples(tmp_path)
    assert found["test/0000/000001"] == ("test", b"2")
    assert {split for split, _ in found.values()} == {"train", "val", "test"}


def test_a_picture_that_is_only_named_is_a_file(tmp_path):
    images = [{"bytes": b"1", "path": "x.jpg"}, {"bytes": None, "path": "y.jpg"}]
    write(tmp_path / "0.parquet", images)
    pictures = {id: picture for id, (_, picture) in examples(tmp_path).items()}
    assert pictures == {"0/000000": b"1", "0/000001": Path(tmp_path / "y.jpg")}


def test_a_split_that_some_rows_lack_is_not_ignored(tmp_path):
    write(tmp_path / "0.parquet", [b"1", b"2", b"3"], split=["train", None, "test"])
    with pytest.raises(UserError, match=r"0/000001 has no split, while 0/000000 has one \(train\)"):
        examples(tmp_path)
    assert len(examples(tmp_path, division=Division(replaces=True))) == 3


def test_damage_is_one_sentence_on_one_line(tmp_path):
    write(tmp_path / "0.parquet", [b"1", b"2"])
    (tmp_path / "0.parquet").write_bytes((tmp_path / "0.parquet").read_bytes()[:-20])
    with pytest.raises(UserError, match=r"0\.parquet: cannot be read as Parquet: [^\n]*[^.]\.$"):
        examples(tmp_path)


def test_rows_without_a_download_are_left_out_and_counted(tmp_path):
    status = ["success", "failed_to_download", "success", "failed_to_resize"]
    write(tmp_path / "00000.parquet", [b"1", None, b"3", None], status=status)
    source = find_source(tmp_path, None, Hints()).source
    ids = {one.id for split in source.splits().values() for one in split}
    assert ids == {"00000/000000", "00000/000002"}
    assert any(line.startswith(f"{FAILED}: 2 (") for line in source.notes.lines())


def test_a_column_of_flags_is_obeyed(tmp_path):
    write(tmp_path / "0.parquet", [b"1", b"2", b"3"], is_test=[False, True, False])
    assert examples(tmp_path)["0/000001"][0] == "test"
    write(
        tmp_path / "0.parquet", [b"1", b"2", b"3"], is_test=[0, 1, 0], set=["val", "val", "train"]
    )
    found = {id: split for id, (split, _) in examples(tmp_path).items()}
    assert found == {"0/000000": "val", "0/000001": "val", "0/000002": "train"}
