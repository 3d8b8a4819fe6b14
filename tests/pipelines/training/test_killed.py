"""Training commands in processes of their own, killed with SIGKILL."""

import subprocess
import sys
import time

import numpy as np
import pytest

from t2i_tf.checkpoints import CheckpointFolder

STEPS = 400


def start(data, workdir):
    flags = [
        "--preset",
        "captioner-tiny",
        "--no-xla",
        "--data",
        str(data),
        "--workdir",
        str(workdir),
    ]
    flags += ["--steps", str(STEPS), "--report-every", "40", "--deterministic"]
    flags += ["--checkpoint-seconds", "0.3"]
    command = [sys.executable, "-m", "pipelines", "train", *flags]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def kill_after(step, data, workdir):
    """Kills a training in some step after its checkpoint of the step `step`."""
    run, folder = start(data, workdir), CheckpointFolder(workdir / "checkpoints")
    while run.poll() is None and max(folder.steps(), default=-1) < step:
        time.sleep(0.02)
    run.kill()
    assert run.wait() == -9, "it ended before it could be killed"


def final(workdir):
    path = CheckpointFolder(workdir / "checkpoints").path(STEPS)
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files if name != "progress"}


@pytest.mark.slow
def test_a_run_killed_at_three_moments_ends_with_the_weights_of_one_that_was_not(data, tmp_path):
    assert start(data, tmp_path / "whole").wait() == 0
    for step in (1, 120, 260):
        kill_after(step, data, tmp_path / "killed")
    assert start(data, tmp_path / "killed").wait() == 0
    whole, killed = final(tmp_path / "whole"), final(tmp_path / "killed")
    assert whole.keys() == killed.keys()
    for name in whole:
        np.testing.assert_array_equal(whole[name], killed[name], err_msg=name)
