"""A lock on a work folder, or a comparison's: one process at a time works in it."""

from pathlib import Path
from typing import IO

from pipelines.file_lock import lock_file

LOCK = ".lock"  # an empty file, which stays


def lock_folder(folder: Path, holder: str = "training") -> IO[bytes]:
    """Locks a folder until the returned file is closed.

    Args:
        folder: An existing folder.
        holder: What runs in it, for the error.

    Raises:
        UserError: another `holder` holds the lock.
        OSError: the lock file cannot be written.
    """
    busy = (
        f"{folder} is in use: another {holder} runs in it. Wait for its end, or choose another"
        " --workdir."
    )
    return lock_file(folder / LOCK, busy)
