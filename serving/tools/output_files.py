"""Files that a command writes."""

import os
from pathlib import Path

from serving.errors import ServingError


def write(path: Path, content: bytes) -> None:
    """Write a temporary file, then rename it: the file is complete or absent.

    Raises:
        ServingError: the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ServingError(f"Cannot write {path}: {error.strerror}.") from error
