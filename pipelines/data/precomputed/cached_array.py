"""Arrays that are computed once and cached in files; an interrupted computation resumes.

Of several processes that need the same array at once, one computes it, and the others wait.
"""

import contextlib
import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.progress import track

from pipelines.file_lock import make_once
from t2i_tf.errors import UserError, first_line
from t2i_tf.files import DAMAGE, write_atomically

CHUNK = 256  # rows computed at a time
FLUSH_SECONDS = 10.0  # the longest time that a crash can cost


def cached_rows(
    path: Path,
    shape: tuple[int, ...],
    dtype: np.typing.DTypeLike,
    compute: Callable[[int, int], np.ndarray],
    what: str,
) -> np.ndarray:
    """The array in the .npy file `path`, which is computed first if it is missing.

    Args:
        path: File of the array; it appears once the array is complete.
        shape, dtype: Shape and type of the array.
        compute: Returns the rows `first` to `last` (last excluded).
        what: Name of the array, for the progress bar.

    Returns:
        The array, memory-mapped: it may be larger than the memory.

    Raises:
        UserError: the file is damaged, or its array has another shape; or the disk is full.
    """
    busy = f"Another process computes the {what}. Waiting for its end."
    make_once(
        path,
        path.with_suffix(".lock"),
        busy,
        lambda: _compute(path, shape, np.dtype(dtype), compute, what),
    )
    try:
        rows = np.load(path, mmap_mode="r")
    except DAMAGE as error:
        raise UserError(
            f"{path} is damaged ({first_line(error)}). Delete it, and it is computed again."
        ) from None
    if rows.shape != shape:
        raise UserError(
            f"{path}: expected an array {list(shape)}, found {list(rows.shape)}. It was computed "
            "for other data. Delete it, and it is computed again."
        )
    return rows


def _compute(path, shape, dtype, compute, what) -> None:
    part, count = path.with_suffix(".part"), path.with_suffix(".rows")
    done = _done(part, count, shape, dtype)
    if not done:  # the count of an earlier file would be taken for that of the one that begins
        count.unlink(missing_ok=True)
    rows = np.lib.format.open_memmap(part, "r+" if done else "w+", dtype, shape)
    _reserve(part, what)
    flushed = time.monotonic()
    first_rows = range(done, len(rows), CHUNK)
    for first in track(first_rows, what, total=len(first_rows)):
        last = min(first + CHUNK, len(rows))
        rows[first:last] = compute(first, last)
        if time.monotonic() - flushed > FLUSH_SECONDS:
            rows.flush()
            write_atomically(count, lambda file, last=last: file.write(str(last).encode()))
            flushed = time.monotonic()
    rows.flush()
    part.rename(path)
    count.unlink(missing_ok=True)


def _reserve(part: Path, what: str) -> None:
    """Reserve the space of a file; without it, the system would end a process that writes to it."""
    if not hasattr(os, "posix_fallocate"):  # not on macOS
        return
    size = part.stat().st_size
    with part.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                return  # a file system that reserves nothing
            raise UserError(
                f"{part} cannot be written: {error.strerror}. The {what} take {size / 1e6:,.1f} MB:"
                " make room for them, then the same command goes on."
            ) from error


def _done(part: Path, count: Path, shape: tuple[int, ...], dtype: np.dtype) -> int:
    """Number of rows that an interrupted call has computed."""
    with contextlib.suppress(*DAMAGE):
        rows = np.load(part, mmap_mode="r")
        if rows.shape == shape and rows.dtype == dtype:
            return int(count.read_text())
    return 0
