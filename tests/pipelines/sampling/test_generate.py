import dataclasses

import pytest
from PIL import Image

from pipelines.sampling.generate import WRITTEN, _remove_stale, generate
from t2i_tf import TextToImage, checkpoints
from t2i_tf.config import TrainConfig
from t2i_tf.errors import UsageError, UserError
from t2i_tf.models import build_model
from t2i_tf.optimizers import build_optimizer
from t2i_tf.text.vocabulary import Vocabulary
from tests.t2i_tf.tiny import CONFIG


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    vocabulary = Vocabulary.from_counts(dict.fromkeys(("a", "red", "bus"), 1))
    model_config = dataclasses.replace(CONFIG, vocabulary_size=len(vocabulary))
    config = TrainConfig(model=model_config)
    model = build_model(model_config)
    model.compile(build_optimizer(config.optimizer), jit_compile=False)
    checkpoints.write_config(folder, config)
    vocabulary.save(folder / "vocabulary.txt")
    checkpoints.CheckpointFolder(folder / "checkpoints").save(model, {})
    return folder


def write(workdir, out):
    return generate(workdir, ["a red bus", "a zebra"], out, n=3, seed=7)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("out") / "new" / "folder"


@pytest.fixture(scope="module")
def generated(workdir, out):
    return write(workdir, out)


def test_files_of_every_caption(generated, out):
    files, unknown = generated
    assert unknown == ["zebra"]
    assert [file.name for file in files] == [
        "grid.png",
        "drawing-1.gif",
        "alignment-1.png",
        "drawing-2.gif",
        "alignment-2.png",
    ]
    assert sorted([*files, out / WRITTEN]) == sorted(out.iterdir())  # no temporary file is left
    assert [Image.open(file).format for file in files] == ["PNG", "GIF", "PNG", "GIF", "PNG"]


def test_the_same_call_writes_the_same_bytes(generated, workdir, tmp_path):
    again = write(workdir, tmp_path).files
    assert [f.read_bytes() for f in again] == [f.read_bytes() for f in generated.files]


def test_a_saved_preset_draws_the_same_pictures(generated, workdir, tmp_path):
    TextToImage.from_preset(workdir).save_to_preset(tmp_path / "preset")
    again = write(tmp_path / "preset", tmp_path / "out").files
    assert [f.read_bytes() for f in again] == [f.read_bytes() for f in generated.files]


def test_a_folder_that_cannot_be_made_is_refused_before_the_drawing(workdir, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="Expected --out to be a folder, got the file"):
        generate(workdir, ["a red bus"], tmp_path / "file" / "out")


@pytest.mark.parametrize("name", ["file", "red-car.png"])
def test_the_name_of_a_file_is_no_folder(name, workdir, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=f"Expected a folder for the drawings, .*{name}"):
        generate(workdir, ["a red bus"], tmp_path / name)
    assert not (tmp_path / "red-car.png").exists()


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(UserError, match="not a work folder"):
        generate(tmp_path, ["a red bus"], tmp_path / "out")


def test_files_of_an_earlier_call_are_removed_but_no_others(tmp_path, capsys):
    names = ("grid.png", "drawing-1.gif", "drawing-2.gif", "drawing-3.gif", "drawing-9.gif")
    files = [tmp_path / name for name in names]
    for file in files:
        file.write_text(file.name)
    _remove_stale(tmp_path, files[:4])
    files[3].write_text("changed since")
    _remove_stale(tmp_path, files[:2])
    assert [file.exists() for file in files] == [True, True, False, True, True]
    assert "Removed" in capsys.readouterr().out
