"""Files that a command writes: checked before its work, written whole after it."""

import os
from pathlib import Path

from serving.errors import RequestError, ServingError


def check_outputs(**paths: Path | None) -> None:
    """Refuse files that cannot be written, or of which one would replace another.

    Args:
        paths: Paths by the names of their flags; None where there is none.

    Raises:
        RequestError: names the flag.
    """
    taken: dict[Path, str] = {}
    for flag, path in paths.items():
        if path is None:
            continue
        if path.is_dir() or not path.parent.is_dir():
            raise RequestError(
                f"Expected --{flag} to be a file name in an existing folder, got {str(path)!r}."
            )
        other = taken.setdefault(path.resolve(), flag)
        if other != flag:
            raise RequestError(
                f"--{other} and --{flag} are the same file, {path}. Give each its own."
            )


def check_suffix(flag: str, path: Path | None, suffix: str) -> None:
    """Refuse a file that would hold another format than its name says. Raises RequestError."""
    if path is not None and path.suffix.lower() != suffix:
        kind = suffix.removeprefix(".").upper()
        raise RequestError(f"Expected --{flag} to be a {kind} file, named {suffix}, got {path}.")


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
