"""A lock on a work folder: one process at a time trains in it."""

import errno
import fcntl
from pathlib import Path
from typing import IO

from t2i_tf.errors import UserError

LOCK = ".lock"  # an empty file; the system drops its lock when the process ends, however it ends


def lock_folder(folder: Path) -> IO[bytes]:
    """Locks a folder until the returned file is closed.

    Raises:
        UserError: another training holds the lock.
        OSError: the lock file cannot be written.
    """
    file = (folder / LOCK).open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise UserError(
            f"{folder} is in use: another training runs in it. Wait for its end, or choose another"
            " --workdir."
        ) from None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP):
            file.close()
            raise
        print(f"{folder} is on a file system without locks: start no second training in it.")
    return file
