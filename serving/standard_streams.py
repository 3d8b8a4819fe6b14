"""stdin, stdout and stderr as commands need them: open, wide enough for help, and flushed."""

import contextlib
import errno
import io
import os
import shutil
import sys
from collections.abc import Iterator

from rich.console import Console

NARROWEST = 20  # columns; in fewer, tyro never finishes its help, and Rich prints nothing in 0

_OF_AN_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


@contextlib.contextmanager
def usable_streams() -> Iterator[None]:
    """Around a whole command: what it printed is flushed, while a failure can still be reported."""
    _open_closed_ones()
    _replace_unprintable()
    _widen()
    try:
        yield
    finally:
        sys.stdout.flush()


def output_failed(error: OSError) -> int:
    """The exit code for a file, or an output, that failed; says why unless the reader has left.

    Raises:
        OSError: the error, if it is none of the operating system's.
    """
    if error.filename is None and error.strerror is None:
        raise error
    if not isinstance(error, BrokenPipeError):  # that is `... | head`, which has read enough
        print_error(_in_words(error))
    if error.filename is None:  # may be stdout, which Python flushes again at exit
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _in_words(error: OSError) -> str:
    if error.filename is not None:
        return f"{os.fsdecode(error.filename)} cannot be read or written: {error.strerror}."
    if error.errno in _OF_AN_OUTPUT:
        return f"The output cannot be written: {error.strerror}."
    return f"The operating system refuses: {error.strerror}."


def print_error(message: str) -> None:
    """An error on stderr."""
    console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    with contextlib.suppress(OSError):  # stderr is closed or full as well
        console.print("[red]Error:[/red]", end=" ")
        console.print(message, markup=False)


def _open_closed_ones() -> None:
    """Streams that the shell has closed (`>&-`) go nowhere.

    Else the next files that are opened take their numbers, and libraries log into them.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, open until the end
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


def _replace_unprintable() -> None:
    """Let stdout and stderr replace the characters that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _widen() -> None:
    """Give a terminal of no width, or next to none, one that text can be set in."""
    if os.environ.get("COLUMNS") == "0":  # of shells that do not know it
        del os.environ["COLUMNS"]
    if shutil.get_terminal_size().columns < NARROWEST:
        os.environ["COLUMNS"] = str(NARROWEST)
