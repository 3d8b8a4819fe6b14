import os
import unicodedata
from collections import Counter

import pytest

from pipelines.data.sources.assembly.assemble import SEVERAL_NAMES, Row, RowSource
from pipelines.data.sources.assembly.caption_text import (
    CLEARED,
    EMPTY,
    NO_VALUE,
    clean_captions,
)
from pipelines.data.sources.assembly.picture_lookup import (
    DECODED,
    ELSEWHERE,
    EXTENSION_ADDED,
    OTHER_CASE,
)
from pipelines.data.sources.assembly.split_choice import Division, parse_fractions, split_named
from pipelines.data.sources.notes import Notes
from t2i_tf.errors import UsageError, UserError


def source_of(folder, rows, division=None):
    rows = [Row(file, (caption,), f"line {k}", split) for k, (file, caption, split) in rows]
    return RowSource(lambda _: rows, [folder], folder, division or Division())


def rows_of(*files, split=None):
    return list(enumerate((file, f"caption of {file}", split) for file in files))


def touch(folder, *files):
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()


def examples_of(source):
    return {one.id: one for split in source.splits().values() for one in split}


def count(source, what):
    return sum(note["count"] for note in source.notes.as_json() if note["what"] == what)


def test_all_names_of_a_picture_are_one_example(tmp_path):
    touch(tmp_path, "a.jpg", "x/b.jpg", "c.jpg")
    os.symlink(tmp_path / "a.jpg", tmp_path / "link.jpg")
    os.link(tmp_path / "c.jpg", tmp_path / "hard.jpg")
    names = ["a.jpg", "./a.jpg", "x/../a.jpg", "link.jpg", str(tmp_path / "a.jpg"), "hard.jpg"]
    source = source_of(tmp_path, rows_of(*names, "x\\b.jpg", "x/b.jpg", "c.jpg"))
    examples = examples_of(source)
    assert len(examples) == 3
    assert len(examples["a.jpg"].captions) == 5
    assert count(source, SEVERAL_NAMES) == 6


def test_accents_in_two_parts_name_the_same_file(tmp_path):
    composed = unicodedata.normalize("NFC", "café.jpg")
    parts = unicodedata.normalize("NFD", composed)
    for on_disk, named in ((composed, parts), (parts, composed)):
        folder = tmp_path / unicodedata.name(on_disk[3])
        touch(folder, on_disk)
        example = examples_of(source_of(folder, rows_of(named)))[composed]
        assert example.picture.is_file()


def test_two_files_whose_names_differ_in_their_accents_alone_are_not_mixed(tmp_path):
    names = [unicodedata.normalize(form, "café.jpg") for form in ("NFC", "NFD")]
    touch(tmp_path, *names)
    with pytest.raises(UserError, match=r"the id .* belongs to two pictures"):
        source_of(tmp_path, rows_of(*names)).splits()
    for name in names:
        assert examples_of(source_of(tmp_path, rows_of(name)))[names[0]].picture.name == name


def test_guesses_are_counted(tmp_path):
    touch(tmp_path, "base/a.jpg", "other/b.jpg", "base/C.JPG", "base/d.png", "base/e.jpg")
    source = source_of(tmp_path, rows_of("a.jpg", "b.jpg", "c.jpg", "d", "e.jpg"))
    assert all(one.picture.is_file() for one in examples_of(source).values())
    assert count(source, ELSEWHERE) == 1  # a.jpg shows where the others are
    assert count(source, OTHER_CASE) == count(source, EXTENSION_ADDED) == 1
    assert any(f"The pictures are in {tmp_path / 'base'}" in line for line in source.notes.lines())


def test_a_name_with_two_meanings_is_refused(tmp_path):
    touch(tmp_path, "x/a.jpg", "y/a.jpg")
    with pytest.raises(UserError, match=r"'a\.jpg' may be .*x/a\.jpg or .*y/a\.jpg"):
        source_of(tmp_path, rows_of("a.jpg")).splits()
    assert examples_of(source_of(tmp_path, rows_of("z/y/a.jpg")))["z/y/a.jpg"].picture == (
        tmp_path / "y" / "a.jpg"
    )


@pytest.mark.parametrize("name", ["p\0.jpg", "p\n.jpg"])
def test_control_characters_in_a_name_are_refused(tmp_path, name):
    with pytest.raises(UserError, match=r"line 0: the file name .*U\+00"):
        source_of(tmp_path, rows_of(name)).splits()


def test_a_name_that_is_not_utf_8_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"line 0: the file name .*udce9.* is not UTF-8\. Rename"):
        source_of(tmp_path, rows_of(os.fsdecode(b"caf\xe9.jpg"))).splits()


def test_examples_have_the_names_that_a_user_wrote(tmp_path):
    source = source_of(tmp_path, rows_of("./a/x/1.jpg", "b/x/1.jpg"))
    names = {example.name for example in examples_of(source).values()}
    assert names == {"./a/x/1.jpg", "b/x/1.jpg"}


def test_given_splits_are_kept_and_contradictions_refused(tmp_path):
    touch(tmp_path, "a.jpg", "b.jpg")
    rows = [*rows_of("a.jpg", split="test"), *rows_of("b.jpg", "c.jpg", split="train")]
    source = source_of(tmp_path, rows)
    splits = source.splits()
    assert [one.id for one in splits["test"]] == ["a.jpg"]
    assert source.facts() == {}
    with pytest.raises(UserError, match=r"'\./a\.jpg' is in the split train.*'a\.jpg'.*into test"):
        source_of(tmp_path, [*rows, *rows_of("./a.jpg", split="train")]).splits()
    with pytest.raises(UserError, match=r"'d\.jpg' has no split.*--splits"):
        source_of(tmp_path, [*rows, *rows_of("d.jpg")]).splits()
    anew = source_of(tmp_path, rows, parse_fractions("1,0,0", seed=0))
    assert len(anew.splits()["train"]) == 3
    assert "The splits that the data set has are replaced by --splits." in anew.notes.lines()


@pytest.mark.parametrize("number", range(1, 12))
def test_a_few_pictures_have_something_to_train_and_to_validate_on(tmp_path, number):
    names = [f"{k}.jpg" for k in range(number)]
    for seed in range(20):
        splits = source_of(tmp_path, rows_of(*names), Division(seed=seed)).splits()
        assert splits["train"]
        assert splits["val"] or number == 1
        assert splits["test"] or number < 10
        found = Counter(one.id for split in splits.values() for one in split)
        assert found == Counter(names)


@pytest.mark.parametrize("text", ["0.8,0.1", "a,b,c", "0,0.5,0.5", "0.8,0.1,0.2", "1.1,-0.1,0"])
def test_fractions_that_cannot_be(text):
    with pytest.raises(UsageError, match="--splits"):
        parse_fractions(text, seed=0)


def test_names_of_splits():
    names = ["Train", "restval", "dev", "validation", "TEST", "held-out", "extra"]
    expected = ["train", "train", "val", "val", "test", "held_out", None]
    assert [split_named(name) for name in names] == expected


@pytest.mark.parametrize(
    ("caption", "expected", "what"),
    [
        ("a\0dog\x07 \x1b[31mruns", "a dog   [31mruns", CLEARED),
        ("foot\xadball \u200e\u202b", "football", CLEARED),
        ("\ufeffa dog", "a dog", CLEARED),
        ("a \ud83d dog", "a   dog", CLEARED),
        ("\u200b\u200d ", None, EMPTY),
        ("\x00\u200e", None, EMPTY),
        ("می\u200cخواهم", "می\u200cخواهم", None),  # the joiner makes another word
        ("a\tcat", "a\tcat", None),
    ],
)
def test_characters_that_nobody_sees(caption, expected, what):
    notes = Notes()
    assert clean_captions([caption], notes, "a.jpg") == (() if expected is None else (expected,))
    assert (what in [note["what"] for note in notes.as_json()]) == (what is not None)
    assert len(notes.lines()) <= 2


def test_names_as_addresses_have_them(tmp_path):
    touch(tmp_path, "a b.jpg", "c%20d.jpg")
    source = source_of(tmp_path, rows_of("a%20b.jpg", "c%20d.jpg"))
    assert all(one.picture.is_file() for one in examples_of(source).values())
    assert count(source, DECODED) == 1


def test_captions_that_say_there_is_none():
    notes = Notes()
    assert clean_captions(["nan", "NULL", " None ", "none of them runs"], notes, "a.jpg") == (
        "none of them runs",
    )
    assert [(note["what"], note["count"]) for note in notes.as_json()] == [(NO_VALUE, 3)]
