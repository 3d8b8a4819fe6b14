import json
import os
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.data.scenes import dataset
from pipelines.data.scenes.captions import OBJECT_WORDS, PLACE_PHRASES, SETTINGS
from pipelines.data.scenes.dataset import Scene
from pipelines.data.scenes.shapes import BACKDROPS, INKS, OBJECT_SHAPES
from pipelines.data.scenes.world import HELD_OUT_COLOURS
from t2i_tf.errors import UsageError, UserError
from tests.patience import PATIENCE, wait_until

ROOT = Path(__file__).parents[4]
SMALL = {"train": 120, "val": 20, "test": 20, "held_out": 40}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes") / "data"
    dataset.write_scenes(folder, **SMALL, workers=1)
    return folder


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def document(folder, split):
    return json.loads((folder / "annotations" / f"captions_{split}.json").read_text())


def sampled(held_out, n=3000):
    rng = random.Random(1)
    return [dataset.sample_scene(rng, held_out) for _ in range(n)]


def test_any_number_of_workers_writes_the_same_bytes(folder, tmp_path):
    dataset.write_scenes(tmp_path / "data", **SMALL, workers=2)
    assert contents(tmp_path / "data") == contents(folder)


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_parent(number, tmp_path):
    code = (
        "import sys; from pathlib import Path; from pipelines.data.scenes import dataset\n"
        "if __name__ == '__main__':\n"
        "    dataset.write_scenes(Path(sys.argv[1]), train=10**6, workers=2)"
    )
    (tmp_path / "parent.py").write_text(code)
    command = [sys.executable, str(tmp_path / "parent.py"), str(tmp_path / "data")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as parent:
        try:
            wait_until(lambda: list(tmp_path.glob("data/train/*.jpg")))
            workers = children(parent.pid)
            parent.send_signal(number)
            parent.wait(PATIENCE)
        finally:
            parent.kill()
    assert len(workers) >= 2
    wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


def children(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_json_files_have_the_bytes_of_json_dumps(folder):
    for path in (folder / dataset.RECORD, *(folder / "annotations").iterdir()):
        assert path.read_text() == json.dumps(json.loads(path.read_text()))


def test_another_seed_gives_other_pictures(folder, tmp_path):
    dataset.write_scenes(tmp_path / "data", **SMALL, seed=1, workers=1)
    name = document(folder, "train")["images"][0]["file_name"]
    first, other = (root / "train" / name for root in (folder, tmp_path / "data"))
    assert first.read_bytes() != other.read_bytes()


@pytest.mark.parametrize("split", dataset.SPLITS)
def test_folder_follows_the_schema_of_coco(folder, split):
    coco = document(folder, split)
    assert coco.keys() == {"info", "licenses", "images", "annotations"}
    assert len(coco["images"]) == SMALL[split]
    for image in coco["images"]:
        with Image.open(folder / split / image["file_name"]) as picture:
            assert picture.format == "JPEG"
            assert picture.size == (image["width"], image["height"])
        assert image["file_name"] == f"{image['id']:012d}.jpg"
        Scene(**image["attributes"])
    captions = {}
    for annotation in coco["annotations"]:
        captions.setdefault(annotation["image_id"], []).append(annotation["caption"])
    assert captions.keys() == {image["id"] for image in coco["images"]}
    assert all(len(set(five)) == 5 for five in captions.values())


def test_ids_are_unique_in_the_whole_folder(folder):
    images = [image for split in dataset.SPLITS for image in document(folder, split)["images"]]
    notes = [note for split in dataset.SPLITS for note in document(folder, split)["annotations"]]
    assert len({image["id"] for image in images}) == len(images)
    assert len({note["id"] for note in notes}) == len(notes)


def test_held_out_compositions_are_in_their_own_split_only(folder):
    for split in dataset.SPLITS:
        for image in document(folder, split)["images"]:
            held_out = dataset.is_held_out(Scene(**image["attributes"]))
            assert held_out == (split == "held_out")


def test_record_names_what_is_held_out(folder):
    record = json.loads((folder / dataset.RECORD).read_text())
    assert record["counts"] == SMALL
    held_out = record["held_out_compositions"]
    assert {"object": "stop sign", "count": "one", "background": "blue sky"} in held_out
    assert {"object": "umbrella", "colour": "yellow"} in held_out


def test_every_colour_is_held_out_once_and_seen_on_the_others():
    assert sorted(HELD_OUT_COLOURS.values()) == sorted(dataset.COLOURS)
    seen = {(scene.object, scene.colour) for scene in sampled(held_out=False)}
    for name in HELD_OUT_COLOURS:
        assert {colour for other, colour in seen if other == name} == set(dataset.COLOURS) - {
            HELD_OUT_COLOURS[name]
        }


def test_the_talks_compositions_are_novel_but_the_airplane_is_seen():
    novel = dataset.TALK_CAPTIONS["novel compositions"]
    assert [dataset.is_held_out(scene) for _, scene in novel] == [True, True, True, False]
    seen = sampled(held_out=False)
    assert any((s.object, s.background) == ("airplane", "blue sky") for s in seen)
    assert any((s.object, s.count) == ("elephant", "herd") for s in seen)


def test_the_talks_captions_use_known_words():
    for study in dataset.TALK_CAPTIONS.values():
        for caption, scene in study:
            assert set(caption.split()) <= dataset.caption_words()
            assert scene.object in dataset.OBJECTS


@pytest.mark.parametrize("held_out", [False, True])
def test_captions_name_what_the_picture_shows(held_out):
    rng = random.Random(2)
    for scene in sampled(held_out, 500):
        five = dataset.captions(scene, rng)
        assert len(set(five)) == 5
        for caption in five:
            words = caption.split()
            assert 7 <= len(words) <= 14
            assert set(words) <= dataset.caption_words()
            assert any(name in caption for name in SETTINGS[scene.background].names)
            assert scene.place == "middle" or PLACE_PHRASES[scene.place] in caption
            assert scene.colour is None or scene.colour in words
            wording = OBJECT_WORDS[scene.object]
            nouns = [noun.format(colour=scene.colour) for noun in wording.nouns]
            herd = [f"herd of {wording.plural}"]
            assert any(name in caption for name in (herd if scene.count == "herd" else nouns))


def test_the_vocabulary_is_small():
    assert len(dataset.caption_words()) < 110


def test_everything_in_the_world_has_words_and_a_drawing():
    assert OBJECT_WORDS.keys() == dataset.OBJECTS.keys() == OBJECT_SHAPES.keys()
    assert set(SETTINGS) == set(dataset.BACKGROUNDS) == set(BACKDROPS)
    assert set(dataset.COLOURS) <= set(INKS)


def test_render_has_one_canonical_picture_and_jitters_the_others():
    scene = Scene("car", "red", "snow", "left")
    canonical = dataset.render(scene, 32)
    assert canonical.shape == (32, 32, 3)
    assert canonical.dtype == np.uint8
    np.testing.assert_array_equal(canonical, dataset.render(scene, 32))
    jittered = dataset.render(scene, 32, random.Random(0))
    assert 0 < np.abs(canonical.astype(float) - jittered).mean() < 30


def test_the_object_stands_where_the_scene_says():
    centres = {}
    for place in dataset.PLACES:
        with_object = dataset.render(Scene("balloon", "red", "snow", place), 32).astype(float)
        is_red = (with_object[..., 0] > 150) & (with_object[..., 1] < 80)
        rows, columns = np.nonzero(is_red)
        centres[place] = rows.mean(), columns.mean()
    assert centres["left"][1] + 5 < centres["middle"][1] < centres["right"][1] - 5
    assert centres["top"][0] + 5 < centres["middle"][0] < centres["bottom"][0] - 5


def test_a_finished_folder_is_left_alone(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    dataset.write_scenes(folder, **SMALL, workers=1)
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_another_run_completes_an_interrupted_one(folder, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(dataset, "coco_document", interrupt)
        dataset.write_scenes(tmp_path, **SMALL, workers=1)
    assert not (tmp_path / dataset.RECORD).exists()
    dataset.write_scenes(tmp_path, **SMALL, workers=1)
    assert contents(tmp_path) == contents(folder)


def test_lost_files_are_written_anew(folder, tmp_path, capsys):
    few = {"train": 2, "val": 1, "test": 0, "held_out": 0}
    dataset.write_scenes(tmp_path, **few, workers=1)
    before = contents(tmp_path)
    (tmp_path / "train" / document(tmp_path, "train")["images"][0]["file_name"]).unlink()
    dataset.write_scenes(tmp_path, **few, workers=1)
    assert "has lost files" in capsys.readouterr().out
    assert contents(tmp_path) == before


def test_a_second_run_is_refused_while_the_first_one_draws(tmp_path, monkeypatch):
    make_picture = dataset.make_picture

    def make_and_try_again(*arguments):
        with pytest.raises(UserError, match="is in use: another `scenes` writes it"):
            dataset.write_scenes(tmp_path, **few, workers=1)
        return make_picture(*arguments)

    few = {"train": 2, "val": 0, "test": 0, "held_out": 0}
    monkeypatch.setattr(dataset, "make_picture", make_and_try_again)
    dataset.write_scenes(tmp_path, **few, workers=1)
    assert not (tmp_path / dataset.LOCK).exists()


def test_a_place_that_cannot_be_written_and_a_full_disk(tmp_path):
    few = {"train": 1, "val": 0, "test": 0, "held_out": 0}
    with pytest.raises(UserError, match=r"/proc/scenes cannot be written: .*choose another folder"):
        dataset.write_scenes(Path("/proc/scenes"), **few, workers=1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)  # of a file, in bytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(UserError, match="cannot be written: File too large"):
            dataset.write_scenes(tmp_path, **few, workers=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    dataset.write_scenes(tmp_path, **few, workers=1)
    assert len(document(tmp_path, "train")["images"]) == 1


def test_refuses_a_folder_of_something_else(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"sea")
    with pytest.raises(UserError, match=r"found 'holiday\.jpg'"):
        dataset.write_scenes(tmp_path, **SMALL, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_refuses_scenes_with_other_settings(folder):
    with pytest.raises(UserError, match="seed 0 instead of 7"):
        dataset.write_scenes(folder, **SMALL, seed=7, workers=1)


def test_refuses_a_file_and_a_negative_count(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="expected a folder"):
        dataset.write_scenes(tmp_path / "file", **SMALL, workers=1)
    with pytest.raises(UsageError, match="--train to be 0 or more and at most 9999999, got -1"):
        dataset.write_scenes(tmp_path / "data", train=-1, workers=1)
    with pytest.raises(UsageError, match="--workers to be 1 or more"):
        dataset.write_scenes(tmp_path / "data", workers=0)
