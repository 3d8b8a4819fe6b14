"""Commands in a process of their own, which ends when this one does, however this one ends.

The child's standard input is a pipe that only the parent holds open. Even when the parent is killed
with SIGKILL the system closes the pipe, and the child stops at the end of its input.
"""

import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

STOP_SECONDS = 10.0
"""Time for a child to stop in good order, once its parent has ended."""


@contextmanager
def child_process(words: Sequence[str], **options) -> Iterator[subprocess.Popen]:
    """A process of `python -m serving WORDS`, which is stopped when the block ends.

    Args:
        words: The command and its flags.
        **options: Further arguments of `subprocess.Popen`.
    """
    command = [sys.executable, "-m", "serving.tools.child_process", *words]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, **options)
    try:
        yield process
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS + 5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP raise SystemExit, so that what is open is closed.

    By default they end a process on the spot. A signal that is ignored, as under `nohup`, stays so.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    numbers = [signal.SIGTERM, signal.SIGHUP] if in_main_thread else []
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, _exit)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(number: int, frame) -> None:
    raise SystemExit(128 + number)  # the exit code that a shell reports for the signal


def _stop_with_parent() -> None:
    """Send SIGTERM to this process at the end of its input, and end it if that is not enough."""
    while os.read(0, 1024):  # not sys.stdin, whose lock a blocked thread would hold at the exit
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)


def _run_command() -> None:
    """Run `python -m serving` with the words of this command line, and watch the parent."""
    # Raises KeyboardInterrupt: an export removes what it has not finished. `serve` sets its own.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_stop_with_parent, name="parent", daemon=True).start()
    runpy.run_module("serving", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _run_command()
