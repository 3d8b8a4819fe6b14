import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from pipelines.data.pictures.picture_changes import FLATTENED, TURNED
from pipelines.data.preparation.prepare import prepare
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import read_split_records
from pipelines.data.prepared.tfrecords import parse_batch
from pipelines.data.sources.coco import CocoSource
from t2i_tf.errors import UserError
from tests.pipelines.data.preparation.example_sources import (
    Files,
    Pictures,
    array_example,
    damage,
    save,
    shards_of,
)

KILLED = """
import sys
from pipelines.data.sources.coco import CocoSource
from pipelines.data.preparation.prepare import prepare
prepare(CocoSource(sys.argv[1]), sys.argv[2], shard_size=8, max_bad=0.1)
"""


def test_repaired_pictures_are_read_when_the_run_resumes(coco, tmp_path, photograph):
    shutil.copytree(coco, tmp_path / "coco")
    out = tmp_path / "out"
    with pytest.raises(UserError, match="more than 0"):
        prepare(CocoSource(tmp_path / "coco"), out, shard_size=8, max_bad=0)
    photograph.save(tmp_path / "coco" / "train2014" / "002.jpg")
    manifest = prepare(CocoSource(tmp_path / "coco"), out, shard_size=8, max_bad=0.1)
    assert manifest["written"] == 56


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


def test_an_unfinished_folder_with_other_settings_is_refused(tmp_path):
    source = Pictures(array_example(captions=()))
    with pytest.raises(UserError, match="bad pictures"):
        prepare(source, tmp_path / "out")
    with pytest.raises(UserError, match="--shard-size is 512 there, requested 4"):
        prepare(source, tmp_path / "out", shard_size=4)


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


def test_a_shard_whose_description_is_damaged_is_written_again(files, tmp_path):
    (files.folder / "3.png").unlink()
    with pytest.raises(UserError):
        prepare(files, tmp_path / "out", shard_size=1, max_bad=0)
    (entry,) = (tmp_path / "out" / ".prepare").glob("train-00001*.json")
    entry.write_text(entry.read_text()[:50])
    save(files.folder / "3.png")
    assert prepare(files, tmp_path / "out", shard_size=1, max_bad=0)["written"] == 4


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
