import dataclasses

import pytest

from pipelines.cli import main
from pipelines.preset_choice.starting_point import starting_point
from pipelines.training.workdir import smoke
from t2i_tf import checkpoints
from t2i_tf.errors import UserError
from t2i_tf.presets import preset
from tests.data_folders import make_examples, write_data_folder

SMALL = ["--model.steps", "2", "--model.encoder-units", "8", "--model.decoder-units", "8"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    splits = {"train": make_examples(30), "val": make_examples(8, seed=1, prefix="val")}
    return write_data_folder(tmp_path_factory.mktemp("start") / "data", splits)


def test_a_new_run_begins_with_what_suits_the_data(data, tmp_path):
    start = starting_point(data, tmp_path / "run")
    assert start.preset == "align-draw-photos"
    assert start.config.max_words == 16 and start.config.batch_size == 16
    assert start.lines[0].startswith(
        "Preset align-draw-photos, as the data suggest (--preset takes another): 30 training"
        " pictures of 6x4, in colour"
    )


def test_a_begun_run_keeps_its_settings(data, tmp_path):
    config = dataclasses.replace(preset("lapgan-scenes").config, minutes=7.0)
    checkpoints.write_config(tmp_path, config)
    (tmp_path / "checkpoints").mkdir()
    assert starting_point(data, tmp_path).preset == "align-draw-photos", "nothing is trained yet"
    (tmp_path / "checkpoints" / "step-00000002.npz").write_bytes(b"")
    start = starting_point(data, tmp_path)
    assert (start.preset, start.config) == ("lapgan-scenes", config)
    assert start.lines == [f"{tmp_path} holds a run: its settings stay."]
    checkpoints.write_config(tmp_path, smoke(config))
    assert starting_point(data, tmp_path).preset == "align-draw-photos"


def test_a_data_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(UserError, match="no such data folder"):
        starting_point(tmp_path / "none", tmp_path / "run")


@pytest.mark.slow
def test_train_chooses_says_why_resumes_and_ends_with_what_shows_it(data, tmp_path, capsys):
    given = ["train", "--data", str(data), "--workdir", str(tmp_path / "run"), "--no-xla", *SMALL]
    assert main([*given, "--steps", "2", "--report-every", "1"]) == 0
    output = capsys.readouterr().out
    assert "Preset align-draw-photos" in output and "30 pictures cannot teach" in output
    assert f"side by side: {tmp_path / 'run' / 'training.png'}" in output
    command = output.splitlines()[-1]
    start = f'python -m pipelines generate --workdir {tmp_path / "run"} "'
    assert command.startswith(start) and len(command) > len(start) + 8
    config = checkpoints.read_config(tmp_path / "run")
    assert (config.steps, config.model.steps, config.max_words) == (2, 2, 16)
    again = ["train", "--data", str(data), "--workdir", str(tmp_path / "run"), "--steps", "3"]
    assert main(again) == 0
    assert "holds a run: its settings stay" in capsys.readouterr().out
    assert checkpoints.load(tmp_path / "run", "last").step == 3
