import json
import os
import shutil

import pytest

from pipelines.data.preparation.prepare import prepare, verify
from pipelines.data.sources.coco import CocoSource
from t2i_tf.errors import UserError
from tests.pipelines.data.preparation.example_sources import Files, damage, save


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


@pytest.mark.parametrize("name", ["manifest.json", "pictures.json"])
def test_what_to_do_with_a_damaged_description_is_said(files, tmp_path, name):
    prepare(files, tmp_path / "out")
    (tmp_path / "out" / name).write_text("{")
    with pytest.raises(UserError, match=rf"{name}: not JSON: .* Delete .*out and prepare it again"):
        prepare(files, tmp_path / "out")


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
