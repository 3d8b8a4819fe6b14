"""Files and folders written whole or not at all; SHA-256 of files; and what damage raises."""

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
import time
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # not POSIX: what killed processes left of their scratch folders stays
    fcntl = None

JUST_MADE = 10  # seconds in which a process may not have locked its scratch folder yet

# Whatever NumPy, h5py and Keras raise for a file that is damaged or of another kind: NumPy reads
# the header of an array as Python, and an archive's flags and versions may be any number.
DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    SystemError,  # h5py
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def write_atomically(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Call `write(file)` on a temporary binary file beside `path`, then rename it to `path`.

    Raises:
        OSError: the disk is full, or the place cannot be written; it names `path`.
    """
    try:
        _write_and_rename(path, write)
    except OSError as error:
        if error.strerror:
            error.filename = os.fspath(path)  # for the temporary name, or none
        raise


def _write_and_rename(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    file = tempfile.NamedTemporaryFile(  # noqa: SIM115, closed below and renamed
        dir=path.parent, prefix=f".{path.name}.", delete=False
    )
    try:
        with file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(file.name, 0o644)  # temporary files are readable by their owner alone
        os.replace(file.name, path)
    except BaseException:
        os.unlink(file.name)
        raise


@contextlib.contextmanager
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder in `parent` for what is moved once it is whole; it is removed at the end.

    So are older ones of this prefix that nobody has locked: their processes were killed.

    Raises:
        OSError: `parent` cannot be read or written.
    """
    for folder in parent.iterdir():
        if folder.name.startswith(prefix):
            _remove_remnant(folder)
    # Where it was renamed itself, nothing is left to remove.
    made = tempfile.TemporaryDirectory(dir=parent, prefix=prefix, ignore_cleanup_errors=True)
    with made as name, _lock(Path(name)):
        yield Path(name)


def _remove_remnant(folder: Path) -> None:
    with contextlib.suppress(OSError):  # of another user, or removed meanwhile
        if time.time() - folder.stat().st_mtime > JUST_MADE:
            with _lock(folder) as locked:
                if locked:
                    shutil.rmtree(folder)


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Locks a folder until the end; whether that was possible.

    The system drops the lock when the process ends.
    """
    if fcntl is None:
        yield False
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # held by another process, or a file system without locks
            yield False
        else:
            yield True
    finally:
        os.close(opened)


def disk_trouble(error: Exception) -> str | None:
    """The reason why a file was not read or written; None if the error is of another kind.

    TensorFlow's errors and HDF5's have it somewhere in their text.
    """
    if isinstance(error, BrokenPipeError):
        return None
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    reasons = map(os.strerror, (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO))
    return next((reason for reason in reasons if reason in str(error)), None)


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
