"""Commands of this project as child processes of Ray's workers.

TensorFlow's all-reduces hung in the thread in which Ray calls a training function, and a process
of its own also gives back all its memory. This module has to be light: every Ray worker imports it.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

_PR_SET_PDEATHSIG = 1
LINES = 20  # of the output that an error repeats


class Command(NamedTuple):
    """A command line as the user's machine would run it; every node has the same paths."""

    arguments: Sequence[str]  # such as "train", "--data" ...
    folder: str  # in which the user gave it
    python: str

    @classmethod
    def here(cls, arguments: Sequence[str]) -> "Command":
        """The command in the current folder, with this Python."""
        return cls(tuple(arguments), os.getcwd(), sys.executable)


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    output: str  # the last lines


def run_command(command: Command) -> Ended:
    """Runs a command to its end; it dies with the Ray worker. Its output is repeated."""
    process = subprocess.Popen(
        [command.python, "-m", "pipelines", *command.arguments],
        cwd=command.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_die_with_parent,
    )
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        sys.stdout.write(line)  # Ray Train repeats what `print` prints a second time
        sys.stdout.flush()
        lines = [*lines[1 - LINES :], line]
    return Ended(process.wait(), "".join(lines).strip())


def _die_with_parent() -> None:
    """Linux: a killed Ray worker must not leave a command that goes on writing."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
