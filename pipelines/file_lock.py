"""A lock that one process at a time can hold; the system drops it when the process ends."""

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from t2i_tf.errors import UserError


def lock_file(path: Path, busy: str, *, waits: bool = False) -> IO[bytes]:
    """Locks a file, which is made if it is missing, until the returned file is closed.

    The holder may delete the file before it lets go of it.

    Args:
        path: The file, in an existing folder.
        busy: The error if another process holds the lock.
        waits: Whether to print that, and to wait for the other process instead.

    Raises:
        UserError: another process holds the lock, and `waits` is false.
        OSError: the file cannot be written.
    """
    while True:
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not waits:
                file.close()
                raise UserError(busy) from None
            print(busy, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOTSUP):
                print(f"{path.parent} is on a file system without locks: use it once at a time.")
                return file
            file.close()
            raise
        if _is_at(file, path):
            return file
        file.close()  # its last holder has deleted it: others lock the next file of this name


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def make_once(made: Path, lock: Path, busy: str, make: Callable[[], None]) -> None:
    """Makes a file that is missing: of several processes one does, and the others wait for it.

    Args:
        made: The file.
        lock: The lock, a file in a folder that is made if it is missing.
        busy: What a process that waits prints.
        make: Makes the file, which appears when it is whole.
    """
    if made.exists():
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock_file(lock, busy, waits=True):
        if not made.exists():
            make()
        lock.unlink()
