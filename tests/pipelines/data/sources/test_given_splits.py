"""Splits that a data set has are followed, wherever it has them: in a column, a list or a name."""

import io
import json
import tarfile

import pytest

from pipelines.data.sources.assembly.split_choice import (
    REPLACED,
    UNKNOWN_REPLACED,
    parse_fractions,
    split_within,
    splits_of_files,
    splits_of_folders,
)
from pipelines.data.sources.assembly.split_lists import BY_LAST_PART
from pipelines.data.sources.detect import Hints, find_source
from t2i_tf.errors import UserError

NAMES = ("a", "b", "c", "d")
SPLITS = {"a": "train", "b": "train", "c": "val", "d": "test"}
OLD_NAMES = {"train": "TRAIN", "val": "dev", "test": "Testing"}


def write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def pictures(folder):
    for name in NAMES:
        write(folder / f"{name}.jpg")


def column_of_another_name(folder):
    pictures(folder)
    rows = [f"{name}.jpg,{OLD_NAMES[SPLITS[name]]},a thing, small" for name in NAMES]
    write(folder / "c.csv", "\n".join(["file,fold,caption", *rows]))


def split_list_in_a_subfolder(folder):
    pictures(folder)
    write(folder / "c.csv", "\n".join(["image,caption", *(f"{one}.jpg,x" for one in NAMES)]))
    for split in ("train", "val", "test"):
        listed = "\n".join(f'"{one}.jpg"' for one in NAMES if SPLITS[one] == split)
        write(folder / "splits" / f"{split}.csv", f"image\n{listed}\n")


def split_lists_with_folders(folder):
    pictures(folder)
    write(folder / "r.token", "".join(f"{one}.jpg#0\tx\n" for one in NAMES))
    for split, ending in (("train", "ids"), ("eval", "list"), ("test", "Images")):
        listed = [one for one in NAMES if SPLITS[one].replace("val", "eval") == split]
        text = "".join(f"images/{one.upper()}.jpg\r\n" for one in listed)
        write(folder / f"{split}_{ending}.txt", text)


def karpathys_file_beside_tokens(folder):
    pictures(folder)
    write(folder / "results_20130124.token", "".join(f"{one}.jpg#0\tx\n" for one in NAMES))
    images = [
        {"filename": f"{one}.jpg", "split": OLD_NAMES[SPLITS[one]], "sentences": [{"raw": "x"}]}
        for one in NAMES
    ]
    write(folder / "dataset_flickr30k.json", json.dumps({"images": images}))


def folders_with_years(folder):
    for name in NAMES:
        write(folder / "images" / f"{SPLITS[name]}2017" / f"{name}.jpg")
        write(folder / "images" / f"{SPLITS[name]}2017" / f"{name}.txt", "x")
    write(folder / "README.md")


def folders_of_a_table(folder):
    for name in NAMES:
        write(folder / f"{SPLITS[name]}_pictures" / f"{name}.jpg")
    write(folder / "c.csv", "\n".join(["image,caption", *(f"{one}.jpg,x" for one in NAMES)]))


def cocos_files_of_other_names(folder):
    for split, name in OLD_NAMES.items():
        ids = [k for k, one in enumerate(NAMES) if SPLITS[one] == split]
        images = [{"id": k, "file_name": f"{NAMES[k]}.jpg"} for k in ids]
        captions = [{"image_id": k, "caption": "x"} for k in ids]
        path = folder / "annotations" / f"captions_{name}2017.json"
        write(path, json.dumps({"images": images, "annotations": captions}))
    pictures(folder / "images")


def add(tar, name, contents):
    member = tarfile.TarInfo(name)
    member.size = len(contents)
    tar.addfile(member, io.BytesIO(contents))


def tars_with_a_field(folder):
    folder.mkdir(parents=True)
    with tarfile.open(folder / "0.tar", "w") as tar:
        for name in NAMES:
            add(tar, f"{name}.jpg", name.encode())
            described = {"caption": "x", "split": OLD_NAMES[SPLITS[name]]}
            add(tar, f"{name}.json", json.dumps(described).encode())


def tars_whose_names_go_on(folder):
    folder.mkdir(parents=True)
    for split in ("train", "val", "test"):
        with tarfile.open(folder / f"mine-{split}-0000.tar", "w") as tar:
            for name in (one for one in NAMES if SPLITS[one] == split):
                add(tar, f"{name}.jpg", name.encode())
                add(tar, f"{name}.txt", b"x")


@pytest.mark.parametrize(
    "make",
    [
        column_of_another_name,
        split_list_in_a_subfolder,
        split_lists_with_folders,
        karpathys_file_beside_tokens,
        folders_with_years,
        folders_of_a_table,
        cocos_files_of_other_names,
        tars_with_a_field,
        tars_whose_names_go_on,
    ],
)
def test_given_splits_are_followed(tmp_path, make):
    make(tmp_path / "in")
    splits = find_source(tmp_path / "in", None, Hints()).source.splits()
    found = {split: len(examples) for split, examples in splits.items()}
    assert found == {"train": 2, "val": 1, "test": 1}
    if make is not cocos_files_of_other_names:
        assert splits["test"][0].id.rpartition("/")[2][0] == "d"


def test_a_parquet_column_of_another_name(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    usage = pyarrow.array(["train", "dev", "test", "train"]).dictionary_encode()
    for name, column in (("file", [f"{one}.jpg" for one in NAMES]), ("image", [b"1"] * 4)):
        table = {name: column, "text": list(NAMES), "usage": usage, "url": ["u"] * 4}
        parquet.write_table(pyarrow.table(table), tmp_path / "c.parquet")
        source = find_source(tmp_path, None, Hints()).source
        splits = source.splits()
        assert [len(splits[one]) for one in ("train", "val", "test")] == [2, 1, 1]
        assert any("column 'usage', which is known by its cells" in o for o in source.notes.lines())
        assert "Columns of c.parquet that are not read: 'url'." in source.notes.lines()


@pytest.mark.parametrize("name", ["c.jsonl", "c.json"])
def test_a_split_that_the_first_object_lacks_is_not_ignored(tmp_path, name):
    pictures(tmp_path)
    rows = [{"file": f"{one}.jpg", "caption": "x", "split": SPLITS[one]} for one in NAMES]
    del rows[0]["split"]
    lines = "\n".join(map(json.dumps, rows))
    write(tmp_path / name, lines if name == "c.jsonl" else json.dumps(rows))
    with pytest.raises(UserError, match=r"'a\.jpg' has no split, while 'b\.jpg' has one \(train\)"):
        find_source(tmp_path, None, Hints()).source.splits()


def test_columns_that_are_not_read_are_named(tmp_path):
    pictures(tmp_path)
    rows = [f"{one}.jpg,x,{SPLITS[one] == 'test'}" for one in NAMES]
    write(tmp_path / "c.csv", "\n".join(["file,caption,is_sharp", *rows]))
    source = find_source(tmp_path, None, Hints()).source
    source.splits()
    assert "Columns of c.csv that are not read: 'is_sharp'." in source.notes.lines()


def test_how_lists_are_followed_is_said(tmp_path):
    split_lists_with_folders(tmp_path)
    source = find_source(tmp_path, None, Hints()).source
    source.splits()
    assert f"{BY_LAST_PART}." in source.notes.lines()


def test_folders_of_splits_are_no_captions(tmp_path):
    for place in ("red_fox/train/a.jpg", "red_fox/test/b.jpg", "dog/train/c.jpg"):
        write(tmp_path / place)
    splits = find_source(tmp_path, None, Hints(folder_names=True)).source.splits()
    assert [one.captions for one in splits["test"]] == [("red fox",)]
    assert {one.captions for split in splits.values() for one in split} == {("red fox",), ("dog",)}


def test_words_of_names_count_only_where_they_tell_training_apart(tmp_path):
    files = [tmp_path / f"my-{word}-0.tar" for word in ("train", "val")]
    assert list(splits_of_files(files).values()) == ["train", "val"]
    assert list(splits_of_files(files[:1]).values()) == [None]
    assert [split_within(name) for name in ("no_train_test", "my test", "contest")] == [
        None,
        "test",
        None,
    ]
    assert splits_of_folders([("x", "train"), ("y", "test")]) == ["train", "test"]
    assert splits_of_folders([("test",), ("y", "test")]) == [None, None]
    assert splits_of_folders([]) == []


def test_compressed_tars_are_named(tmp_path):
    tars_with_a_field(tmp_path / "in")
    write(tmp_path / "in" / "1.tar.gz")
    found = find_source(tmp_path / "in", None, Hints())
    assert "1 tar file in WebDataset's form. Not read, as they are compressed: 1.tar.gz." in (
        found.sentence
    )


def splits_by_table(folder, header, rows, **options):
    """The split of each picture, and what is said, by a table of a file, a caption and `header`."""
    pictures(folder)
    lines = [f"{one}.jpg,x,{row}" for one, row in zip(NAMES, rows, strict=True)]
    write(folder / "c.csv", "\n".join([f"file,caption,{header}", *lines]))
    source = find_source(folder, None, Hints(**options)).source
    splits = source.splits()
    named = {example.id: split for split, examples in splits.items() for example in examples}
    return [named[f"{one}.jpg"] for one in NAMES], " ".join(source.notes.lines())


@pytest.mark.parametrize(
    ("header", "rows", "splits"),
    [
        ("is_test,is_val", ["0,0", "0,0", "0,1", "1,0"], ["train", "train", "val", "test"]),
        ("Is_Train,is val", ["True,False", "yes,no", "F,T", "FALSE,FALSE"], list(SPLITS.values())),
        ("in_train_set,is_testing", ["1,0", "1,0", "0,0", "0,1"], list(SPLITS.values())),
        ("is_training_image,is_dev", ["1,0", "1.0,0", "0.0,1", "0,0"], list(SPLITS.values())),
    ],
)
def test_columns_that_say_yes_or_no_to_a_split(tmp_path, header, rows, splits):
    found, said = splits_by_table(tmp_path, header, rows)
    assert found == splits
    assert "say yes to" in said and "not read" not in said


def test_what_one_flag_leaves_open_is_said(tmp_path):
    found, said = splits_by_table(tmp_path / "a", "is_test", ["no", "no", "no", "yes"])
    assert sorted(found) == ["test", "train", "train", "val"] and found[3] == "test"
    assert "'is_test' say yes to; a picture of which none says yes is in train" in said
    found, said = splits_by_table(tmp_path / "b", "is_train", ["1", "1", "1", "0"])
    assert found[3] == "test" and "none says yes is in test" in said
    found, said = splits_by_table(tmp_path / "c", "train", ["1", "0", "0", "0"])  # one is shown
    assert "not read: 'train'" in said


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (
            "split",
            ["running", *"abc"],
            r"line 2: 'a\.jpg': unknown split 'running', expected one of",
        ),
        ("is_test", ["0", "0", "maybe", "1"], "line 4: .* unknown split 'is_test: maybe'"),
        ("is_test,is_val", ["0,0", "1,1", "0,1", "1,0"], "unknown split 'is_test and is_val'"),
        ("is_test", ["0", "0", "", "1"], r"'c\.jpg' has no split"),
    ],
)
def test_splits_that_are_unknown_matter_only_where_they_are_obeyed(tmp_path, header, rows, message):
    with pytest.raises(UserError, match=message):
        splits_by_table(tmp_path, header, rows)
    anew = parse_fractions("0.5,0.25,0.25", seed=0)
    found, said = splits_by_table(tmp_path, header, rows, division=anew)
    assert {"train", "val"} <= set(found) and REPLACED in said
    assert (UNKNOWN_REPLACED in said) == ("unknown" in message)
