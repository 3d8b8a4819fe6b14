"""Trainings on several workers, each a process: equal to one machine's, killed, and resumed.

The processes are slow to start, so that one script runs all of them, and the tests look at the
work folders that it leaves.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipelines.training.history import read_history
from t2i_tf.checkpoints import CheckpointFolder

ROOT = Path(__file__).parents[4]
STEPS = 12  # those of the preset
LOST = os.EX_TEMPFAIL

pytestmark = pytest.mark.slow


def run_script(runs):
    """The outcomes of the runs of `cluster.py`."""
    script = Path(__file__).with_name("cluster.py")
    command = [sys.executable, str(script), json.dumps(runs)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "GLOG_minloglevel": "3"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def flags(data, workdir):
    return [
        *("--data", str(data), "--workdir", str(workdir)),
        *("--preset", "fully-connected-vae-tiny", "--no-xla", "--deterministic"),
        *("--batch-size", "12", "--validation-pictures", "12", "--checkpoint-seconds", "0"),
    ]


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """Work folders and outcomes by the name of the run."""
    root = tmp_path_factory.mktemp("workers")

    def run(name, count, workdir=None, **events):
        logs = str(root / f"logs-{name}")
        more = {"logs": logs, "count": count, "flags": flags(data, root / (workdir or name))}
        return more | events

    def copy(name, to):
        return {"copy": [str(root / name), str(root / to)]}

    sequence = {
        "one": run("one", 1),
        "two": run("two", 2),
        "killed": run("killed", 2, signals=[[3, 1, signal.SIGKILL]]),
        "copied to one": copy("killed", "killed-one"),
        "copied to three": copy("killed", "killed-three"),
        "resumed": run("resumed", 2, workdir="killed"),
        "resumed by one": run("resumed-one", 1, workdir="killed-one"),
        "resumed by three": run("resumed-three", 3, workdir="killed-three"),
        "chief killed": run("chief", 2, signals=[[4, 0, signal.SIGKILL]]),
        "asked to end": run("asked", 2, signals=[[3, 1, signal.SIGTERM]]),
        "other seeds": run("seeds", 2, own=[[], ["--seed", "3"]]),
        "other folders": run("folders", 2, own=[[], ["--workdir", str(root / "elsewhere")]]),
        "uneven": run("uneven", 2, own=2 * [["--batch-size", "13"]]),
        "uneven validation": run("validation", 3, own=3 * [["--validation-pictures", "10"]]),
    }
    outcomes = run_script(list(sequence.values()))
    return root, dict(zip(sequence, outcomes, strict=True))


def weights(workdir):
    with np.load(CheckpointFolder(workdir / "checkpoints").path(STEPS)) as archive:
        return {name: archive[name] for name in archive.files if name.startswith("model/")}


def assert_close(workdir, other, tolerance):
    mine, theirs = weights(workdir), weights(other)
    assert mine.keys() == theirs.keys()
    for name in mine:
        np.testing.assert_allclose(mine[name], theirs[name], rtol=0, atol=tolerance, err_msg=name)
    for row, same in zip(history(workdir), history(other), strict=True):
        assert row["step"] == same["step"]
        for name in ("loss", "val_loss", "learning_rate"):
            assert row[name] == pytest.approx(same[name], rel=max(tolerance, 1e-6)), name


def history(workdir):
    return read_history(workdir / "history.csv")


def test_two_workers_train_what_one_machine_does(runs):
    root, outcomes = runs
    assert outcomes["one"]["codes"] == [0] and outcomes["two"]["codes"] == [0, 0]
    assert_close(root / "two", root / "one", 1e-5)


def test_the_chief_alone_writes(runs):
    root, _ = runs
    for folder in ("one", "two"):
        assert len(list((root / folder / "tensorboard").iterdir())) == 1
    assert len(history(root / "two")) == 2
    assert not list((root / "two").glob(".seen-by-all-workers-*"))


def test_a_killed_worker_ends_the_others_with_the_command_that_resumes(runs):
    root, outcomes = runs
    codes, seconds = outcomes["killed"]["codes"], outcomes["killed"]["seconds"]
    assert codes == [LOST, -signal.SIGKILL] and seconds < 60
    log = (root / "logs-killed" / "0.log").read_text()
    assert "Another worker ended or cannot be reached" in log and "Traceback" not in log
    assert "resumes at the last checkpoint: python" in log


def test_a_killed_chief_ends_the_others(runs):
    _, outcomes = runs
    codes, seconds = outcomes["chief killed"]["codes"], outcomes["chief killed"]["seconds"]
    assert codes == [-signal.SIGKILL, LOST] and seconds < 60


def test_two_workers_resume_bit_for_bit(runs):
    root, outcomes = runs
    assert outcomes["resumed"]["codes"] == [0, 0]
    assert_close(root / "killed", root / "two", 0)


@pytest.mark.parametrize("count", ["one", "three"])
def test_another_number_of_workers_resumes(runs, count):
    root, outcomes = runs
    assert set(outcomes[f"resumed by {count}"]["codes"]) == {0}
    assert_close(root / f"killed-{count}", root / "one", 1e-5)


def test_a_signal_to_one_worker_saves_once_and_ends_all(runs):
    root, outcomes = runs
    assert outcomes["asked to end"]["codes"] == [130, 130]
    logs = [(root / "logs-asked" / f"{rank}.log").read_text() for rank in (0, 1)]
    steps = {log.split("Interrupted and saved at step ")[1].split(".")[0] for log in logs}
    assert len(steps) == 1
    assert max(CheckpointFolder(root / "asked" / "checkpoints").steps()) == int(steps.pop())


@pytest.mark.parametrize(
    ("name", "logs", "code", "message"),
    [
        ("other seeds", "seeds", 1, "--seed is 0 at worker 0, 3 there. All workers need the same"),
        ("other folders", "folders", 1, "put --workdir on a disk that they share"),
        ("uneven", "uneven", 2, "A batch of 13 cannot be shared equally by 2 replicas"),
        ("uneven validation", "validation", 2, "A validation batch of 10 cannot be shared"),
    ],
)
def test_workers_that_cannot_train_together_all_say_why(runs, name, logs, code, message):
    root, outcomes = runs
    assert set(outcomes[name]["codes"]) == {code}
    for path in (root / f"logs-{logs}").iterdir():
        log = path.read_text()
        assert message in log and "Traceback" not in log
