"""A lock on a work folder: one process at a time trains in it."""

from pathlib import Path
from typing import IO

from pipelines.file_lock import lock_file

LOCK = ".lock"  # an empty file, which stays


def lock_folder(folder: Path) -> IO[bytes]:
    """Locks a folder until the returned file is closed.

    Raises:
        UserError: another training holds the lock.
        OSError: the lock file cannot be written.
    """
    busy = (
        f"{folder} is in use: another training runs in it. Wait for its end, or choose another"
        " --workdir."
    )
    return lock_file(folder / LOCK, busy)
