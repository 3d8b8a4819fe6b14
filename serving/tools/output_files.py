"""Files that a command writes."""

import os
from pathlib import Path

from serving.errors import ServingError


def write(path: Path, content: bytes) -> None:
    """Write beside, then rename: a file is whole or not there. Raises ServingError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ServingError(f"Cannot write {path}: {error.strerror}.") from error
