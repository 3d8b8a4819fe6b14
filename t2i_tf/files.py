"""Files written atomically, complete or not at all; their SHA-256; and what damage raises."""

import hashlib
import os
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

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
    """Call `write(file)` on a temporary binary file beside `path`, then rename it to `path`."""
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


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
