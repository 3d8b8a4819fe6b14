import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pipelines.cli import main
from pipelines.data.pictures.resizing import ResizeOptions
from pipelines.sampling.caption_files import caption_files, read_image_files
from tests.data_folders import make_examples, write_data_folder

RNG = np.random.default_rng(0)


@pytest.fixture
def pictures(tmp_path):
    """One of another size, one grey, and one of the captioner's own size."""
    Image.fromarray(RNG.integers(0, 256, (30, 50, 3), np.uint8)).save(tmp_path / "photo.jpg")
    Image.fromarray(RNG.integers(0, 256, (4, 6), np.uint8)).save(tmp_path / "grey.png")
    Image.fromarray(RNG.integers(0, 256, (4, 6, 3), np.uint8)).save(tmp_path / "small.png")
    return [str(tmp_path / name) for name in ("photo.jpg", "grey.png", "small.png")]


def test_pictures_are_captioned_and_shown(workdir, pictures, tmp_path, capsys):
    out = tmp_path / "new" / "folder"
    assert main(["caption", *pictures, "--workdir", str(workdir), "--out", str(out)]) == 0
    written = json.loads((out / "captions.json").read_text())
    assert [entry["file"] for entry in written] == pictures
    printed = capsys.readouterr().out
    for entry in written:
        assert f"{entry['file']}: {entry['caption']} (" in printed
        assert entry["log_probability"] < 0
    figures = [f"attention-{k}.png" for k in (1, 2, 3)]
    assert sorted(path.name for path in out.iterdir()) == [*figures, "captions.json"]
    assert all(Image.open(out / name).format == "PNG" for name in figures)


def test_a_split_is_scored(workdir, tmp_path, capsys):
    data = write_data_folder(
        tmp_path / "data", {"train": make_examples(1), "test": make_examples(40, seed=3)}
    )
    arguments = ["caption", "--workdir", str(workdir), "--data", str(data), "--limit", "35"]
    assert main([*arguments, "--out", str(tmp_path), "--beam", "1"]) == 0
    scores = json.loads((tmp_path / "scores-test.json").read_text())
    assert (scores["pictures"], scores["beam"], scores["named"]) == (35, 1, None)
    assert 0 <= scores["bleu_4"] <= 1 and 0 < scores["cider"] <= 10
    assert "CIDEr" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["{tmp}/none.png"], 1, "none.png cannot be read as a picture: missing"),
        (["{tmp}/text.png"], 1, "text.png cannot be read as a picture: not a picture"),
        ([], 2, "give picture files"),
        (["--data", "{tmp}"], 1, "expected a data folder"),
        (["{tmp}/small.png", "--beam", "0"], 2, "Expected --beam to be 1 or more, got 0"),
        (["{tmp}/small.png", "--out", "{tmp}/text.png/out"], 2, "Expected --out to be a folder"),
    ],
)
def test_bad_input_is_reported(workdir, pictures, tmp_path, capsys, arguments, code, message):
    (tmp_path / "text.png").write_text("hello")
    arguments = [argument.format(tmp=tmp_path) for argument in arguments]
    assert main(["caption", *arguments, "--workdir", str(workdir)]) == code
    assert message in capsys.readouterr().err.replace("\n", " ")


def test_pictures_are_fitted_as_prepare_does(pictures):
    fit = ResizeOptions(4, 6, 3)
    shapes = {picture.shape for picture in read_image_files(pictures, fit)}
    assert shapes == {(4, 6, 3)}
    np.testing.assert_array_equal(read_image_files(pictures[2:], fit)[0], Image.open(pictures[2]))
    cropped = ResizeOptions(4, 6, 3, crop="centre")
    assert (read_image_files(pictures[:1], fit) != read_image_files(pictures[:1], cropped)).any()


def test_the_crop_of_the_data_is_read_from_the_work_folder(tmp_path, monkeypatch):
    fits = []
    monkeypatch.setattr(
        "pipelines.sampling.caption_files.read_image_files",
        lambda paths, fit: fits.append(fit) or np.zeros((len(paths), 4, 6, 3), np.uint8),
    )
    size = SimpleNamespace(height=4, width=6, channels=3)
    captioner = SimpleNamespace(config=SimpleNamespace(model=size), describe=lambda images: [])
    caption_files(captioner, tmp_path, [], tmp_path / "out")
    (tmp_path / "data.json").write_text('{"filter": "bicubic", "crop": "pad", "format": 1}')
    caption_files(captioner, tmp_path, [], tmp_path / "out")
    assert fits == [ResizeOptions(4, 6, 3), ResizeOptions(4, 6, 3, "bicubic", "pad")]
