"""Where results go: a place that cannot be written is refused before the work, not after it."""

import tempfile
from pathlib import Path

from t2i_tf.errors import UsageError, UserError


def check_file(out: Path) -> None:
    """Refuse a file that cannot be written. Raises UserError."""
    if out.is_dir() or not out.parent.is_dir():
        raise UserError(f"Expected --out to be a file in an existing folder, got {out}.")
    _check_writable(out.parent, out)


def check_folder(out: Path) -> None:
    """Refuse a folder that cannot be written, or made.

    Raises:
        UsageError: it is a file, or would be in one.
        UserError: the operating system refuses.
    """
    existing = next(place for place in (out, *out.absolute().parents) if place.exists())
    if not existing.is_dir():
        raise UsageError(f"Expected --out to be a folder, got the file {existing}.")
    _check_writable(existing, out)


def _check_writable(folder: Path, out: Path) -> None:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(
            f"{out} cannot be written: {error.strerror}. Choose another --out."
        ) from error
