import io
import json
import tarfile

import pytest

from pipelines.data.sources.assembly.split_choice import REPLACED, Division
from pipelines.data.sources.detect import Hints, find_source
from pipelines.data.sources.webdataset_tars import NO_END, REPEATED, SEVERAL_DOTS
from t2i_tf.errors import UserError


def write_tar(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, contents in members:
            member = tarfile.TarInfo(name)
            member.size = len(contents)
            tar.addfile(member, io.BytesIO(contents))


def members(*keys):
    return [
        member for key in keys for member in ((f"{key}.jpg", b"jpg"), (f"{key}.txt", b"a thing"))
    ]


def source_of(folder, **hints):
    return find_source(folder, None, Hints(**hints)).source


def ids_of(source):
    return {
        split: [one.id for one in examples]
        for split, examples in source.splits().items()
        if examples
    }


def places(source, what):
    return [note["first"] for note in source.notes.as_json() if note["what"] == what]


def test_tars_of_one_name_in_the_folders_of_splits(tmp_path):
    for split in ("train", "valid", "test"):
        write_tar(tmp_path / split / "00000.tar", members("a", "b"))
    assert ids_of(source_of(tmp_path)) == {
        "train": ["train/00000/a", "train/00000/b"],
        "val": ["valid/00000/a", "valid/00000/b"],
        "test": ["test/00000/a", "test/00000/b"],
    }


def test_a_folder_that_is_called_after_a_test_is_no_split(tmp_path):
    write_tar(tmp_path / "test_pictures" / "0.tar", members(*"abcdef"))
    assert "train" in ids_of(source_of(tmp_path / "test_pictures"))


def test_splits_of_some_tars_are_not_ignored(tmp_path):
    write_tar(tmp_path / "train-0.tar", members("a", "b"))
    write_tar(tmp_path / "more.tar", members("c", "d"))
    with pytest.raises(UserError, match=r"more/c has no split, while train-0/a has one \(train\)"):
        source_of(tmp_path).splits()
    source = source_of(tmp_path, division=Division(replaces=True))
    assert sum(map(len, source.splits().values())) == 4
    assert places(source, REPLACED) == [[]]


def test_members_behind_a_damaged_header_and_in_a_second_tar_are_missed(tmp_path):
    write_tar(tmp_path / "in" / "0.tar", members("a", "b"))
    path = tmp_path / "in" / "0.tar"
    whole = path.read_bytes()
    header = whole.index(b"b.jpg")
    for contents in (whole[:header] + b"\xaa" * 99 + whole[header + 99 :], whole + whole):
        path.write_bytes(contents)
        with pytest.raises(UserError, match=r"0\.tar: its members end at byte [\d,]+, but data"):
            source_of(tmp_path / "in").splits()


def test_a_tar_that_is_cut_off_between_its_members_is_told(tmp_path):
    path = tmp_path / "0.tar"
    write_tar(path, members("a", "b", "c"))
    whole = path.read_bytes()
    source = source_of(tmp_path)
    assert ids_of(source)["train"] and places(source, NO_END) == []
    path.write_bytes(whole[: whole.index(b"c.jpg")])
    source = source_of(tmp_path)
    assert sum(map(len, ids_of(source).values())) == 2
    assert places(source, NO_END) == [["0.tar"]]
    path.write_bytes(whole[: whole.index(b"c.jpg") + 520])
    with pytest.raises(UserError, match="cannot be read as an uncompressed tar"):
        source_of(tmp_path).splits()


def test_flags_in_json_are_obeyed_and_said(tmp_path):
    described = [b'{"caption": "x", "is_test": %b}' % one for one in (b"true", b"false", b"false")]
    write_tar(tmp_path / "0.tar", [
        member
        for key, json in zip("abc", described, strict=True)
        for member in ((f"{key}.jpg", b"jpg"), (f"{key}.json", json))
    ])  # fmt: skip
    source = source_of(tmp_path)
    assert ids_of(source)["test"] == ["0/a"]
    assert any("'is_test' say yes to" in line for line in source.notes.lines())


def test_members_that_are_not_read_are_counted(tmp_path):
    png = [("a.png", b"another"), ("c.mask.png", b"mask"), ("c.JPG", b"c"), ("c.txt", b"x")]
    write_tar(tmp_path / "0.tar", [*members("a", "b"), *png])
    (tmp_path / "._0.tar").write_bytes(b"\0\5\x16\7")  # as macOS writes beside its files
    source = source_of(tmp_path)
    assert sum(map(len, source.splits().values())) == 3
    assert places(source, REPEATED) == [["0.tar: a.png"]]
    assert places(source, SEVERAL_DOTS) == [["0.tar: c.mask.png"]]


def test_a_name_that_is_not_utf_8_is_refused(tmp_path):
    name = b"\xff\xfe".decode("utf-8", "surrogateescape")
    write_tar(tmp_path / "0.tar", members("a", name))
    with pytest.raises(UserError, match=r"0/\\udcff\\udcfe: the name is not UTF-8"):
        source_of(tmp_path).splits()


def test_a_tar_without_captions_says_so(tmp_path, capsys):
    from pipelines import cli

    write_tar(tmp_path / "0.tar", [("a.jpg", b"a"), ("a.json", json.dumps({"x": 1}).encode())])
    arguments = ["--input", str(tmp_path), "--out", str(tmp_path / "out")]
    assert cli.main(["prepare", *arguments]) == 1
    said = capsys.readouterr()
    assert "Pictures of a tar without a caption of their name, left out: 1 (0.tar: a)" in said.out
    assert "expected examples to train on, found none" in said.err


def test_rare_breaks_divide_no_caption(tmp_path):
    texts = "a \u2028dog runs\r\nit barks\n", "\ufeffa cat", b"ch\xe2teau"
    for number, text in enumerate(texts):
        text = text if isinstance(text, bytes) else text.encode()
        write_tar(
            tmp_path / str(number) / "0.tar", [*members("b"), ("a.jpg", b"a"), ("a.txt", text)]
        )
    captions = [
        {
            one.id: one.captions
            for split in source_of(tmp_path / k).splits().values()
            for one in split
        }
        for k in "01"
    ]
    assert captions[0]["0/a"] == ("a dog runs", "it barks")
    assert captions[1]["0/a"] == ("a cat",)
    with pytest.raises(UserError, match=r"0\.tar: a\.txt: expected UTF-8 text, found byte 0xe2"):
        source_of(tmp_path / "2").splits()
