"""What `prepare` has done so far, kept in the output folder so that an interrupted run can resume.

    OUT/.prepare/lock                            held by the process that writes the folder
    OUT/.prepare/settings.json                   what the folder is made from, and how
    OUT/.prepare/train-00003-of-00020.json       description of a shard that is written

A finished folder has no log: its manifest has the settings.
"""

import contextlib
import hashlib
import os
import shutil
from pathlib import Path
from typing import IO

import msgspec

from pipelines.data.preparation.folder_settings import (
    Settings,
    refuse_other_decoder,
    refuse_other_settings,
)
from pipelines.data.preparation.picture_states import is_unchanged
from pipelines.data.preparation.shards import PlannedShard, WrittenShard
from pipelines.file_lock import lock_file
from t2i_tf.errors import UserError
from t2i_tf.files import file_sha256
from t2i_tf.json_files import read_json, write_json

LOG_FOLDER, SETTINGS, LOCK = ".prepare", "settings.json", "lock"
TRIES = 100


class ResumeLog:
    """The log of an output folder, which only one process at a time can open.

    Use it in a `with` block, at whose end the folder is free for others.

    Args:
        out: Output folder, made if it is missing.
        settings: All that determines the shards.

    Raises:
        UserError: the folder holds something else, was begun with other settings, or is in use.
        OSError: the folder cannot be written.
    """

    def __init__(self, out: Path, settings: Settings):
        self._out, self._folder = out, out / LOG_FOLDER
        self._settings = settings
        self._plan = hashlib.sha256(msgspec.json.encode(settings)).hexdigest()
        self._refuse_unfit_folder()
        self._lock = lock_folder(out)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._lock.close()

    def begin(self) -> None:
        """Notes the settings, or checks those that are noted.

        Raises:
            UserError: the folder was begun with others.
        """
        self._refuse_unfit_folder()  # again: another process may have begun it before the lock
        if not (self._folder / SETTINGS).is_file():
            write_json(self._folder / SETTINGS, self._settings)

    @property
    def scratch(self) -> Path:
        """Temporary file for the shard that is being written."""
        return self._folder / "shard.unfinished"

    def find(self, shard: PlannedShard) -> WrittenShard | None:
        """The description of a shard that is written and still intact; None for any other.

        A shard of which a picture has changed since, such as one that was repaired, counts as
        missing.
        """
        path = self._entry(shard.file)
        if not path.is_file():
            return None
        try:
            written = read_json(path, WrittenShard)
        except UserError:  # damaged: the shard is written again
            return None
        file = self._out / shard.file
        intact = file.is_file() and file_sha256(file) == written.sha256
        ours = written.plan == self._plan
        return written if intact and ours and is_unchanged(shard, written.states) else None

    def add(self, shard: WrittenShard) -> None:
        """Notes that a shard is written."""
        shard.plan = self._plan
        write_json(self._entry(shard.file), shard)

    def remove(self) -> None:
        """Deletes the log, once the manifest is written."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _entry(self, shard_file: str) -> Path:
        return self._folder / f"{Path(shard_file).stem}.json"

    def _refuse_unfit_folder(self) -> None:
        begun_with = self._folder / SETTINGS
        if begun_with.is_file():
            found = read_json(begun_with, dict, f"Delete {self._out} and prepare it again.")
            refuse_other_decoder(self._out, found, self._settings)
            refuse_other_settings(self._out, found, self._settings)
        else:
            refuse_foreign_folder(self._out)


def lock_folder(out: Path) -> IO[bytes]:
    """Locks an output folder until the returned file is closed; UserError if it is in use."""
    busy = (
        f"{out} is in use: another `prepare` writes it. Wait for its end, or choose another --out."
    )
    for _ in range(TRIES):
        (out / LOG_FOLDER).mkdir(parents=True, exist_ok=True)
        # Another process may finish just now, and remove its log.
        with contextlib.suppress(FileNotFoundError):
            return lock_file(out / LOG_FOLDER / LOCK, busy)
    raise UserError(busy)


def refuse_foreign_folder(out: Path) -> None:
    """Checks that an output folder is new, empty, or begun by `prepare`.

    Raises:
        UserError: it is a file, or holds something else, or is a link to nowhere.
    """
    if out.is_symlink() and not out.exists():
        raise UserError(
            f"{out}: expected a folder, found a link to {os.readlink(out)}, which does not exist."
            " Make that folder, or choose another --out."
        )
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: expected a folder, found a file. Choose another --out.")
    names = sorted(path.name for path in out.iterdir()) if out.exists() else []
    foreign = [name for name in names if name != LOG_FOLDER]
    if foreign:
        raise UserError(
            f"{out}: expected an empty folder or one that `prepare` made, found {foreign[0]!r}."
            " Choose another --out."
        )
