import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from pipelines.data.pictures.image_loading import PictureReader, ResizeOptions
from pipelines.data.pictures.picture_changes import FLATTENED, TURNED
from pipelines.data.preparation import prepare as prepare_module
from pipelines.data.preparation import resume_log
from pipelines.data.preparation.picture_states import IN_TWO_SPLITS
from pipelines.data.preparation.prepare import prepare, verify
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import read_split_records
from pipelines.data.prepared.tfrecords import parse_batch
from pipelines.data.sources.coco import CocoSource
from pipelines.data.sources.example import Example
from t2i_tf.errors import UsageError, UserError

data = pytest.importorskip("skimage.data")

PICTURES = 60
BAD = ("truncated", "empty", "html", "missing", "noise")


@pytest.fixture(scope="session")
def photograph():
    return Image.fromarray(data.astronaut())


@pytest.fixture(scope="session")
def coco(tmp_path_factory, photograph):
    """A COCO folder of 50 training and 10 validation pictures; five of the former are bad."""
    root = tmp_path_factory.mktemp("coco")
    (root / "annotations").mkdir()
    for split, first, last in (("train", 0, 50), ("val", 50, PICTURES)):
        (root / f"{split}2014").mkdir()
        names = [f"{k:03d}.jpg" for k in range(first, last)]
        for k, name in enumerate(names):
            crop = photograph.crop((3 * k, 2 * k, 3 * k + 240, 2 * k + 180))
            crop.save(root / f"{split}2014" / name, quality=90)
        write_annotations(root / "annotations" / f"captions_{split}2014.json", first, names)
    for kind, name in zip(BAD, ("002", "011", "012", "030", "049"), strict=True):
        spoil(root / "train2014" / f"{name}.jpg", kind)
    return root


def write_annotations(path, first, names):
    images = [{"id": first + k, "file_name": name} for k, name in enumerate(names)]
    captions = [
        {"image_id": image["id"], "caption": f"An astronaut, {word} {image['id']}."}
        for image in images
        for word in ("number", "person")
    ]
    path.write_text(json.dumps({"images": images, "annotations": captions}))


def spoil(path: Path, kind: str):
    if kind == "missing":
        path.unlink()
        return
    contents = path.read_bytes()
    path.write_bytes(
        {
            "truncated": contents[: len(contents) // 2],
            "empty": b"",
            "html": b"<!DOCTYPE html><html><body>404</body></html>",
            "noise": bytes(range(256)) * 20,
        }[kind]
    )


class Pictures:
    """A source with the given examples in its training split."""

    name = "pictures"

    def __init__(self, *examples):
        self.examples = list(examples)

    def splits(self):
        return {"train": self.examples, "val": []}

    def facts(self):
        return {}


def array_example(name="0", shape=(8, 8, 1), captions=("a cat",)):
    return Example(name, np.full(shape, 9, np.uint8), captions)


def shards_of(out):
    return {path.name: path.read_bytes() for path in out.glob("*.tfrecord")}


@pytest.fixture(scope="session")
def prepared(coco, tmp_path_factory):
    out = tmp_path_factory.mktemp("data") / "coco"
    manifest = prepare(CocoSource(coco), out, shard_size=8, max_bad=0.1)
    return out, manifest


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


def test_the_vocabulary_is_that_of_the_written_training_captions(prepared):
    out, manifest = prepared
    words = {line.split()[0] for line in (out / "vocabulary.txt").read_text().splitlines()}
    assert {"an", "astronaut", ",", "number", "person", "."} <= words
    assert {"0", "48"} <= words
    assert words.isdisjoint({"2", "11", "50", "59", "An"})  # skipped pictures, validation
    assert manifest["vocabulary"]["size"] == 6 + 45 + 2  # padding and unknown


def test_too_many_bad_pictures(coco, tmp_path):
    with pytest.raises(UserError, match=r"3 bad pictures .*1\.00% of 60: .*002\.jpg \(trunc"):
        prepare(CocoSource(coco), tmp_path / "out", shard_size=16)


def test_repaired_pictures_are_read_when_the_run_resumes(coco, tmp_path, photograph):
    shutil.copytree(coco, tmp_path / "coco")
    out = tmp_path / "out"
    with pytest.raises(UserError, match="more than 0"):
        prepare(CocoSource(tmp_path / "coco"), out, shard_size=8, max_bad=0)
    photograph.save(tmp_path / "coco" / "train2014" / "002.jpg")
    manifest = prepare(CocoSource(tmp_path / "coco"), out, shard_size=8, max_bad=0.1)
    assert manifest["written"] == 56


def test_a_finished_run_does_nothing(prepared, coco, capsys):
    out, manifest = prepared
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert prepare(CocoSource(coco), out, shard_size=8, max_bad=0.1) == manifest
    assert "is finished: nothing to do" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before


def test_a_finished_folder_with_other_settings_is_refused(prepared, coco):
    out, _ = prepared
    with pytest.raises(
        UserError,
        match="--height is 32 there, requested 64; --crop is 'squash' there, requested 'centre'",
    ):
        prepare(CocoSource(coco), out, shard_size=8, height=64, crop="centre")


KILLED = """
import sys
from pipelines.data.sources.coco import CocoSource
from pipelines.data.preparation.prepare import prepare
prepare(CocoSource(sys.argv[1]), sys.argv[2], shard_size=8, max_bad=0.1)
"""


def test_a_killed_run_resumes_to_the_same_bytes(prepared, coco, tmp_path):
    out = tmp_path / "out"
    run = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(coco), str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (out / ".prepare" / "train-00002-of-00007.json").exists():
        assert run.poll() is None
        time.sleep(0.002)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert not (out / "manifest.json").exists()
    kept = out / "train-00002-of-00007.tfrecord"  # without bad pictures: not made again
    before = kept.stat().st_mtime_ns

    manifest = prepare(CocoSource(coco), out, shard_size=8, max_bad=0.1)
    assert kept.stat().st_mtime_ns == before
    assert shards_of(out) == shards_of(prepared[0])
    assert manifest == prepared[1]
    assert not (out / ".prepare").exists()


def test_a_damaged_shard_of_an_unfinished_folder_is_written_again(coco, prepared, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(UserError):
        prepare(CocoSource(coco), out, shard_size=8, max_bad=0.07)  # fails at the last shard
    damage(out / "train-00002-of-00007.tfrecord")
    (out / "train-00004-of-00007.tfrecord").unlink()
    prepare(CocoSource(coco), out, shard_size=8, max_bad=0.1)
    assert shards_of(out) == shards_of(prepared[0])


def damage(path):
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)


def test_verify(prepared, tmp_path):
    out = tmp_path / "copy"
    shutil.copytree(prepared[0], out)
    assert verify(out) == 10
    damage(out / "train-00001-of-00007.tfrecord")
    (out / "val-00000-of-00002.tfrecord").unlink()
    with pytest.raises(
        UserError,
        match=r"train-00001-of-00007\.tfrecord is changed; val-00000-of-00002\.tfrecord is missing",
    ):
        verify(out)
    with pytest.raises(UserError, match=r"manifest\.json: cannot be read"):
        verify(tmp_path)


def test_a_folder_whose_files_are_missing_or_damaged_is_not_finished(files, tmp_path):
    prepare(files, tmp_path / "out")
    for name in ("vocabulary.txt", "train-00000-of-00001.tfrecord"):
        contents = (tmp_path / "out" / name).read_bytes()
        (tmp_path / "out" / name).write_bytes(contents[:20])
        with pytest.raises(UserError, match=f"{name} is changed. Delete the folder"):
            prepare(files, tmp_path / "out")
        (tmp_path / "out" / name).unlink()
        with pytest.raises(UserError, match=f"{name} is missing"):
            prepare(files, tmp_path / "out")
        (tmp_path / "out" / name).write_bytes(contents)
    prepare(files, tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"settings": "x"}', "not written by prepare"),
        ('{"settings": {}}', "missing required field `vocabulary`"),
        (
            '{"settings": {}, "vocabulary": {"sha256": 3}, "splits": {}}',
            "Expected `str`, got `int`",
        ),
    ],
)
def test_a_manifest_changed_by_hand_is_one_sentence(tmp_path, text, message):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=message):
        verify(tmp_path)


def test_an_output_folder_of_something_else(tmp_path):
    (tmp_path / "thesis.txt").write_text("important")
    with pytest.raises(UserError, match=r"found 'thesis\.txt'"):
        prepare(Pictures(array_example()), tmp_path)
    (tmp_path / "manifest.json").write_text('{"name": "an app"}')
    with pytest.raises(UserError, match="not written by prepare"):
        prepare(Pictures(array_example()), tmp_path)
    with pytest.raises(UserError, match="found a file"):
        prepare(Pictures(array_example()), tmp_path / "thesis.txt")


def test_an_unfinished_folder_with_other_settings_is_refused(tmp_path):
    source = Pictures(array_example(captions=()))
    with pytest.raises(UserError, match="bad pictures"):
        prepare(source, tmp_path / "out")
    with pytest.raises(UserError, match="--shard-size is 512 there, requested 4"):
        prepare(source, tmp_path / "out", shard_size=4)


def test_a_full_disk_is_refused_beforehand(tmp_path, monkeypatch):
    usage = shutil._ntuple_diskusage(100, 100, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UserError, match=r"0 MB are free.*Make room"):
        prepare(Pictures(array_example()), tmp_path / "out")
    assert not shards_of(tmp_path / "out")


def test_arrays_and_missing_captions(tmp_path):
    examples = [array_example(str(k)) for k in range(3)]
    examples[1] = array_example("1", captions=())
    manifest = prepare(
        Pictures(*examples), tmp_path / "out", height=8, width=8, channels=1, max_bad=0.5
    )
    assert manifest["written"] == 2
    assert manifest["skipped"] == [{"file": "1", "reason": "no caption"}]


class Files(Pictures):
    """A source of small files; `val` and others as they are given."""

    def __init__(self, folder, captions=("a cat",), **splits):
        self.folder, self.captions, self.names = folder, captions, splits

    def splits(self):
        return {
            split: [
                Example(name, self.folder / name, self.captions, name=f"table/{name}")
                for name in names
            ]
            for split, names in self.names.items()
        }


def save(path, colour=9, **options):
    Image.new("RGB", (8, 8), (colour, 100, 100)).save(path, **options)


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for k in range(4):
        save(folder / f"{k}.png", 20 * k)
    return Files(folder, train=["0.png", "1.png", "2.png"], val=["3.png"])


def test_a_mended_and_an_exchanged_picture_are_told_when_the_folder_is_finished(
    files, tmp_path, capsys
):
    (files.folder / "1.png").rename(tmp_path / "1.png")
    prepare(files, tmp_path / "out", max_bad=0.5)
    (tmp_path / "1.png").rename(files.folder / "1.png")
    save(files.folder / "3.png", 200)
    os.utime(files.folder / "0.png", (1, 1))  # touched, but the same
    with pytest.raises(UserError, match=r"2 of 4 have changed.*table/1\.png; table/3\.png.*delete"):
        prepare(files, tmp_path / "out", max_bad=0.5)
    shutil.rmtree(tmp_path / "out")
    assert prepare(files, tmp_path / "out", max_bad=0)["written"] == 4
    (files.folder / "0.png").unlink()
    assert prepare(files, tmp_path / "out", max_bad=0)["written"] == 4
    assert "1 of 4 pictures cannot be read any more" in capsys.readouterr().out


def test_an_exchanged_picture_is_read_anew_when_the_run_resumes(files, tmp_path):
    (files.folder / "3.png").rename(tmp_path / "3.png")
    with pytest.raises(UserError, match=r"allow more with --max-bad"):
        prepare(files, tmp_path / "out", shard_size=2, max_bad=0)
    (tmp_path / "3.png").rename(files.folder / "3.png")
    save(files.folder / "1.png", 200)
    prepare(files, tmp_path / "out", shard_size=2, max_bad=0)
    folder = DataFolder.open(tmp_path / "out")
    (batch,) = list(read_split_records(folder, "train").batch(9))
    assert parse_batch(batch, folder.shape)["image"].numpy()[1, 0, 0, 0] == 200


def test_what_differs_in_other_examples_is_said(files, tmp_path):
    prepare(files, tmp_path / "out")
    more = Files(files.folder, ("a cat", "a dog"), train=["0.png", "1.png"], val=["3.png"])
    with pytest.raises(
        UserError,
        match="there were 4 pictures with 4 captions, now there are 3 pictures with 6 captions",
    ) as error:
        prepare(more, tmp_path / "out")
    assert "sha256" not in str(error.value)
    other = Files(files.folder, ("a dog",), **files.names)
    with pytest.raises(UserError, match=r"captions have changed \(there are 4 pictures"):
        prepare(other, tmp_path / "out")
    other.facts = lambda: {"seed": 3}
    with pytest.raises(UserError, match="seed is absent there, now 3"):
        prepare(other, tmp_path / "out")


def test_a_second_prepare_is_refused_while_the_first_runs(files, tmp_path, monkeypatch):
    write_shard = prepare_module.write_shard
    refused = []

    def write_and_try_again(*arguments):
        with pytest.raises(UserError, match="out is in use: another `prepare`") as error:
            prepare(files, tmp_path / "out")
        refused.append(error)
        return write_shard(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(prepare_module, "write_shard", write_and_try_again)
        prepare(files, tmp_path / "out")
    assert len(refused) == 2
    assert verify(tmp_path / "out") == 3
    assert not (tmp_path / "out" / ".prepare").exists()


def test_a_folder_that_is_finished_while_the_lock_is_taken_is_left_alone(
    files, tmp_path, monkeypatch
):
    lock = resume_log.lock_folder

    def finish_first(out):
        monkeypatch.setattr(resume_log, "lock_folder", lock)
        prepare(files, out)
        return lock(out)

    monkeypatch.setattr(resume_log, "lock_folder", finish_first)
    assert prepare(files, tmp_path / "out")["written"] == 4
    assert not (tmp_path / "out" / ".prepare").exists()


def test_a_shard_of_another_plan_is_not_taken(files, tmp_path):
    with pytest.raises(UserError):
        prepare(Files(files.folder, train=["0.png", "x.png"]), tmp_path / "out", shard_size=1)
    (entry,) = (tmp_path / "out" / ".prepare").glob("train-00000*.json")
    described = json.loads(entry.read_text())
    entry.write_text(json.dumps(described | {"plan": "another", "captions": 77}))
    save(files.folder / "x.png")
    manifest = prepare(
        Files(files.folder, train=["0.png", "x.png"]), tmp_path / "out", shard_size=1
    )
    assert manifest["splits"]["train"]["captions"] == 2


def test_what_was_changed_is_counted_across_a_resume(tmp_path, capsys):
    exif = Image.Exif()
    exif[0x112] = 6
    for name in ("a.jpg", "b.jpg"):
        save(tmp_path / name, 10 * ord(name[0]) % 256, exif=exif)
    Image.new("RGBA", (8, 8), (9, 9, 9, 0)).save(tmp_path / "c.png")
    source = Files(tmp_path, train=["a.jpg", "b.jpg", "c.png", "d.png"])
    with pytest.raises(UserError):
        prepare(source, tmp_path / "out", shard_size=1, background="black", max_bad=0)
    save(tmp_path / "d.png")
    manifest = prepare(source, tmp_path / "out", shard_size=1, background="black", max_bad=0)
    assert {note["what"]: note["count"] for note in manifest["notes"]} == {TURNED: 2, FLATTENED: 1}
    assert manifest["background"] == "black"
    assert f"{TURNED}: 2 (table/a.jpg, table/b.jpg)" in capsys.readouterr().out
    assert prepare(source, tmp_path / "out", shard_size=1, background="black") == manifest
    with pytest.raises(UserError, match="--background is 'black' there, requested 'white'"):
        prepare(source, tmp_path / "out", shard_size=1)


def test_copies_in_two_splits_are_told(files, tmp_path):
    shutil.copy(files.folder / "0.png", files.folder / "copy.png")
    files.names["test"] = ["copy.png"]
    (note,) = prepare(files, tmp_path / "out")["notes"]
    assert (note["what"], note["count"]) == (IN_TWO_SPLITS, 1)
    assert note["first"] == ["table/copy.png of test is table/0.png of train"]


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


@pytest.mark.parametrize("out", ["/proc/data", "/dev/null/data"])
def test_a_place_that_cannot_be_written(files, out):
    with pytest.raises(UserError, match=f"--out {out} cannot be written: "):
        prepare(files, out)


def test_a_disk_that_becomes_full(files, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)  # of a file, in bytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(UserError, match=r"--out .* cannot be written: .*What is finished"):
            prepare(files, tmp_path / "out", height=200, width=200)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert prepare(files, tmp_path / "out", height=200, width=200)["written"] == 4


def test_a_folder_without_record_of_its_pictures_stays_finished(files, tmp_path, capsys):
    expected = prepare(files, tmp_path / "out")
    (tmp_path / "out" / "pictures.json").unlink()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    for later in ("decoder", "background", "pictures", "captions"):
        del manifest["settings"][later]
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest))
    assert prepare(files, tmp_path / "out")["written"] == expected["written"]
    assert "made by an earlier version" in capsys.readouterr().out
    with pytest.raises(UserError, match="have changed"):
        prepare(Files(files.folder, ("a dog",), **files.names), tmp_path / "out")


def test_a_folder_by_an_earlier_decoder_stays_finished(files, tmp_path, capsys):
    prepare(files, tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    manifest["settings"]["decoder"] = 2
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest))
    prepare(files, tmp_path / "out")
    assert "an earlier version, which ignored colour profiles. To" in capsys.readouterr().out


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
