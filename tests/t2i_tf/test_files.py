import errno
import os
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf

from t2i_tf.files import JUST_MADE, disk_trouble, scratch_folder, write_atomically

HOLDER = """
import sys, time
from pathlib import Path
from t2i_tf.files import scratch_folder

with scratch_folder(Path(sys.argv[1]), ".run.unfinished-") as made:
    (made / "half").write_text("...")
    print(made, flush=True)
    time.sleep(60)
"""


def make_older(folder):
    then = time.time() - 2 * JUST_MADE
    os.utime(folder, (then, then))


@pytest.fixture
def holder(tmp_path):
    """A process that has a scratch folder, and that folder."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        (folder,) = tmp_path.iterdir()
        make_older(folder)
        yield process, folder
        process.kill()


def test_the_next_process_removes_what_a_killed_one_left(tmp_path, holder):
    process, left = holder
    with scratch_folder(tmp_path, ".run.unfinished-"):
        assert (left / "half").exists()  # its process works on it
    process.send_signal(signal.SIGKILL)
    process.wait()
    with scratch_folder(tmp_path, ".run.unfinished-") as made:
        assert list(tmp_path.iterdir()) == [made]
    assert not list(tmp_path.iterdir())


def test_other_folders_and_new_ones_stay(tmp_path):
    for name in (".run.backup", ".runs.unfinished-abc"):
        (tmp_path / name).mkdir()
        make_older(tmp_path / name)
    (tmp_path / ".run.unfinished-new").mkdir()  # its process may lock it next
    with scratch_folder(tmp_path, ".run.unfinished-") as made:
        made.rename(tmp_path / "run")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"run", ".run.backup", ".runs.unfinished-abc", ".run.unfinished-new"}


def test_a_file_that_cannot_be_written_is_named_by_its_own_name(tmp_path):
    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    for path in (tmp_path / "figures.json", tmp_path / "none" / "figures.json"):
        with pytest.raises(OSError) as failed:
            write_atomically(path, full)
        assert failed.value.filename == str(path)
    assert not list(tmp_path.iterdir())


def test_only_errors_of_the_disk_are_told_as_such():
    full = tf.errors.ResourceExhaustedError(None, None, "events; No space left on device")
    assert disk_trouble(full) == "No space left on device"
    assert disk_trouble(OSError(errno.EROFS, "Read-only file system")) == "Read-only file system"
    assert disk_trouble(tf.errors.ResourceExhaustedError(None, None, "OOM of the GPU")) is None
    hdf5 = OSError("Can't write data (errno = 28, error message = 'No space left on device')")
    assert disk_trouble(hdf5) == "No space left on device"
