import os

import pytest

from pipelines.data.sources.detect import Hints, find_source
from pipelines.data.sources.text_beside_pictures import (
    FURTHER_TEXT,
    NO_PICTURE,
    NO_TEXT,
    UNREAD_JSON,
)
from t2i_tf.errors import UserError


def write(folder, **contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name.replace("_", ".")).write_bytes(text)


def captions(source):
    return {one.id: one.captions for split in source.splits().values() for one in split}


def places(source, what):
    return [
        place for note in source.notes.as_json() if note["what"] == what for place in note["first"]
    ]


def test_lines_are_captions_and_blank_files_have_none(tmp_path):
    write(tmp_path, a_jpg=b"", b_jpg=b"", c_jpg=b"", d_JPG=b"")
    write(tmp_path, a_txt=b"one\r\n\r\ntwo", b_txt=b" \n \n", c_txt=b"\xef\xbb\xbf", d_TXT=b"x")
    source = find_source(tmp_path, None, Hints()).source
    assert captions(source) == {"a.jpg": ("one", "two"), "b.jpg": (), "c.jpg": (), "d.JPG": ("x",)}


def test_rare_breaks_divide_no_caption(tmp_path):
    write(tmp_path, a_jpg=b"", a_txt="a dog\u2028runs\x0cfast".encode())
    source = find_source(tmp_path, None, Hints()).source
    assert captions(source)["a.jpg"] == ("a dog runs\x0cfast",)


def test_pictures_of_every_kind_and_second_texts_are_counted(tmp_path):
    write(tmp_path, a_jpg=b"", b_tif=b"", c_avif=b"", d_heic=b"", e_jfif=b"", f_jpg=b"")
    write(tmp_path, **{f"{name}_txt": b"x" for name in "abcdeg"}, a_caption=b"y")
    source = find_source(tmp_path, None, Hints()).source
    assert sorted(captions(source)) == ["a.jpg", "b.tif", "c.avif", "d.heic", "e.jfif"]
    assert captions(source)["a.jpg"] == ("y",)
    assert places(source, FURTHER_TEXT) == ["a.txt"]
    assert places(source, NO_TEXT) == ["f.jpg"]
    assert places(source, NO_PICTURE) == ["g.txt"]


def test_linked_folders_are_read_once(tmp_path):
    write(tmp_path / "real", a_jpg=b"", a_txt=b"x")
    (tmp_path / "in").mkdir()
    for name, target in (
        ("x", tmp_path / "real"),
        ("y", tmp_path / "real"),
        ("z", tmp_path / "in"),
    ):
        os.symlink(target, tmp_path / "in" / name)
    os.symlink("loop", tmp_path / "in" / "loop")
    source = find_source(tmp_path / "in", None, Hints()).source
    assert captions(source) == {"x/a.jpg": ("x",)}


def test_names_that_are_not_utf_8_are_counted_readably(tmp_path):
    write(tmp_path, a_jpg=b"", a_txt=b"x")
    for extension in (b".jpg", b".txt"):
        (tmp_path / os.fsdecode(b"\xff" + extension)).touch()
    (tmp_path / os.fsdecode(b"\xff.txt")).unlink()
    source = find_source(tmp_path, None, Hints()).source
    source.splits()
    assert places(source, NO_TEXT) == ["\\udcff.jpg"]


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("captions.txt", "image,caption\n".encode("utf-16")[:-1], r"captions\.txt: expected UTF-8"),
        ("captions.txt", "image,caption\na.jpg,Hündchen".encode("latin-1"), "byte 0xfc at offset"),
        ("mine.json", b'[{"file": "a.jpg", "caption": NaN}]', r"mine\.json: not JSON"),
        ("mine.json", b'{"a.jpg": 3}', r"mine\.json: expected a list of objects"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(tmp_path, name, contents, message):
    write(tmp_path, a_jpg=b"")
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(UserError, match=message):
        find_source(tmp_path, None, Hints())


def split_of_each(source):
    return {one.id: split for split, examples in source.splits().items() for one in examples}


@pytest.mark.parametrize("folder", ["", "00000"])
def test_the_split_in_the_json_of_img2dataset_is_obeyed(tmp_path, folder):
    for name, split in (("a", b"train"), ("b", b"validation"), ("c", b"test"), ("d", b"train")):
        json = b'{"caption": "in json", "key": "1", "split": "%b"}' % split
        write(tmp_path / folder, **{f"{name}_jpg": b"", f"{name}_txt": b"x", f"{name}_json": json})
    source = find_source(tmp_path, None, Hints()).source
    assert list(split_of_each(source).values()) == ["train", "train", "val", "test"]
    assert set(captions(source).values()) == {("x",)}


def test_captions_and_flags_in_json_alone(tmp_path):
    write(tmp_path, a_jpg=b"", b_jpg=b"", c_jpg=b"", d_jpg=b"")
    for name, flag in (("a", b"true"), ("b", b"true"), ("c", b"false")):
        write(tmp_path, **{f"{name}_json": b'{"text": ["x", "y"], "is_train": %b}' % flag})
    source = find_source(tmp_path, None, Hints()).source
    assert captions(source) == dict.fromkeys(("a.jpg", "b.jpg", "c.jpg"), ("x", "y"))
    assert split_of_each(source)["c.jpg"] == "test"
    assert places(source, NO_TEXT) == ["d.jpg"]


def test_json_of_another_kind_is_no_obstacle(tmp_path):
    write(tmp_path, a_jpg=b"", b_jpg=b"", c_jpg=b"", a_txt=b"x", b_txt=b"x", c_txt=b"x")
    write(tmp_path, a_json=b"[1, 2]", b_json=b"", c_json=b'{"shapes": [], "version": 4}')
    source = find_source(tmp_path, None, Hints()).source
    assert len(captions(source)) == 3
    assert places(source, UNREAD_JSON) == ["a.jpg", "b.jpg"]
