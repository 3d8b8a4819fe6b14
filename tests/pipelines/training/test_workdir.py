import dataclasses
import subprocess
import sys

import pytest

from pipelines.cli import main
from pipelines.training.folder_lock import lock_folder
from pipelines.training.train import train
from pipelines.training.workdir import smoke
from t2i_tf import checkpoints
from t2i_tf.errors import UserError
from t2i_tf.presets import preset
from tests.data_folders import make_examples, write_data_folder

pytestmark = pytest.mark.usefixtures("without_graphs")


def test_a_second_training_in_a_work_folder_is_refused(data, config, tmp_path):
    with lock_folder(tmp_path), pytest.raises(UserError, match="in use: another training"):
        train(smoke(config), data, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_process_that_died_leaves_no_lock(tmp_path):
    holds = (
        "import os, sys, pathlib; from pipelines.training.folder_lock import lock_folder\n"
        "lock = lock_folder(pathlib.Path(sys.argv[1])); print('held', flush=True)\n"
        "sys.stdin.read()"
    )
    command = [sys.executable, "-c", holds, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match="in use"):
            lock_folder(tmp_path)
        process.kill()
        process.wait()
    lock_folder(tmp_path).close()


def test_after_a_start_that_failed_the_corrected_command_works(data, config, tmp_path, capfd):
    too_large = dataclasses.replace(smoke(config), batch_size=5000)
    with pytest.raises(UserError):
        train(too_large, data, tmp_path / "run", mode="stream")
    assert train(smoke(config), data, tmp_path / "run").step == 2
    assert "Nothing was trained" in capfd.readouterr().out


@pytest.mark.slow
def test_after_a_smoke_test_the_training_begins_anew(data, config, tmp_path):
    train(smoke(config), data, tmp_path)
    assert train(dataclasses.replace(config, steps=6), data, tmp_path).step == 6
    folder = checkpoints.CheckpointFolder(tmp_path / "checkpoints")
    assert folder.steps() == [6], "the steps of the smoke test are gone"
    assert not list((tmp_path / "samples").glob("step-00000001.png"))
    with pytest.raises(UserError, match=r"a trained run\. Give the smoke test"):
        train(smoke(config), data, tmp_path)
    assert folder.steps() == [6]


def test_data_with_more_words_is_named_as_other_data(data, tmp_path):
    config = dataclasses.replace(preset("captioner-tiny").config, xla=False, steps=1)
    train(config, data, tmp_path / "run")
    examples = make_examples(60, shape=(8, 8, 3))
    examples += [("new", examples[0][1], ["a word that is new"], {})]
    splits = {"train": examples, "val": make_examples(20, seed=1, shape=(8, 8, 3), prefix="val")}
    other = write_data_folder(tmp_path / "data", splits)
    with pytest.raises(UserError, match="trained on other data"):
        train(config, other, tmp_path / "run")


@pytest.mark.parametrize("place", ["file", "file/run", "/proc/run"])
def test_a_place_that_cannot_be_a_work_folder_is_named(place, data, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    flags = ["--preset", "captioner-tiny", "--no-xla", "--smoke", "--data", str(data)]
    assert main(["train", *flags, "--workdir", str(tmp_path / place)]) == 1
    error = capsys.readouterr().err
    assert "--workdir" in error and str(tmp_path / place) in error.replace("\n", "")
