import errno
import signal
from types import SimpleNamespace

import pytest
import tensorflow as tf

from pipelines.progress_bar import ProgressBar
from pipelines.training import checkpointing
from pipelines.training.checkpointing import Checkpointer
from pipelines.training.history import read_history
from pipelines.training.pacing import Clock
from pipelines.training.run_batches import open_batches
from t2i_tf.checkpoints import CheckpointFolder
from t2i_tf.errors import UserError

pytestmark = pytest.mark.usefixtures("without_graphs")


@pytest.fixture
def checkpointer(tmp_path):
    return Checkpointer(CheckpointFolder(tmp_path / "checkpoints"), Clock(), interval=10)


@pytest.mark.usefixtures("default_signals")
def test_a_second_hangup_does_not_prevent_the_save(checkpointer):
    with checkpointer:
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
    assert checkpointer.interrupted


def test_nohup_goes_on_without_a_terminal(checkpointer):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with checkpointer:
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert not checkpointer.interrupted


def test_a_full_disk_is_named_with_what_is_kept(checkpointer, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(CheckpointFolder, "write", full)
    monkeypatch.setattr(checkpointing, "read_state", lambda model: {})
    optimizer = SimpleNamespace(iterations=tf.constant(7))
    checkpointer.set_model(SimpleNamespace(optimizer=optimizer))
    with pytest.raises(UserError, match=r"No space left on device; there is none yet\. Make room"):
        checkpointer.save()
    checkpointer.folder.folder.mkdir()
    checkpointer.folder.path(7).write_bytes(b"")
    with pytest.raises(UserError, match=r"step-00000007\.npz is kept"):
        checkpointer.save()


@pytest.mark.parametrize("text", ["step;loss\n1;2\n", "step,loss\n1,2,3\n", "step,loss\n1,two\n"])
def test_a_history_that_a_spreadsheet_changed_is_named(tmp_path, text):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(UserError, match=r"history\.csv is not as .* checkpoints are whole"):
        read_history(tmp_path / "history.csv")


def test_a_line_of_a_log_is_not_broken(capsys):
    line = "step 1  " + "loss 1.0  " * 20
    with ProgressBar("training") as bar:
        bar.print(line)
    assert line in capsys.readouterr().out


def test_data_without_a_validation_split_says_what_to_do(tmp_path):
    folder = SimpleNamespace(path=tmp_path, manifest=SimpleNamespace(splits={"train": None}))
    captions = SimpleNamespace(folder=folder)
    with pytest.raises(UserError, match=r"no split `val`.*Prepare the data"):
        open_batches(None, captions, SimpleNamespace(lengths=None), ())
