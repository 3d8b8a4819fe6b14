"""What is known of an output folder while `prepare` is at work, so that it can be broken off.

    OUT/.prepare/settings.json                   what the folder is made from, and how
    OUT/.prepare/train-00003-of-00020.json       the record of a shard that is done

A finished folder has no journal any more: its manifest holds the settings.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.data.preparation.manifest_writer import read_manifest
from pipelines.data.preparation.shards import PlannedShard, WrittenShard, file_sha256
from pipelines.data.prepared.data_folder import MANIFEST
from t2i_tf.errors import UserError
from t2i_tf.json_files import read_json, write_json

JOURNAL = ".prepare"

Settings = Mapping[str, Any]


class Journal:
    """The journal of an output folder.

    Args:
        out: the folder; made where it is missing.
        settings: what the shards follow from, as JSON.

    Raises:
        UserError: where the folder holds something else, or was begun with other settings.
    """

    def __init__(self, out: Path, settings: Settings):
        self._out, self._folder = out, out / JOURNAL
        kept = self._folder / "settings.json"
        if kept.is_file():
            refuse_other_settings(out, read_json(kept, dict), settings)
        else:
            refuse_foreign_folder(out)
            self._folder.mkdir(parents=True, exist_ok=True)
            write_json(kept, settings)

    @property
    def scratch(self) -> Path:
        """Where a shard is written before it has its name."""
        return self._folder / "shard.unfinished"

    def find(self, shard: PlannedShard) -> WrittenShard | None:
        """The record of a shard that is done and still as it was written.

        A shard with bad pictures is not done: they may have been mended since.
        """
        kept = self._record_file(shard.file)
        if not kept.is_file():
            return None
        record = read_json(kept, WrittenShard)
        path = self._out / shard.file
        intact = path.is_file() and file_sha256(path) == record.sha256
        return record if intact and not record.skipped else None

    def keep(self, record: WrittenShard) -> None:
        """Notes that a shard is done."""
        write_json(self._record_file(record.file), record)

    def remove(self) -> None:
        """Forgets it all: the manifest is written."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _record_file(self, shard_file: str) -> Path:
        return self._folder / f"{Path(shard_file).stem}.json"


def is_finished(out: Path, settings: Settings) -> bool:
    """Whether a folder is finished, with these settings.

    Raises:
        UserError: where it is finished with others, or holds a manifest that is not ours.
    """
    if not (out / MANIFEST).is_file():
        return False
    refuse_other_settings(out, read_manifest(out)["settings"], settings)
    return True


def refuse_other_settings(out: Path, found: Settings, asked: Settings) -> None:
    """Raises UserError, naming what differs, where a folder was made with other settings."""
    differing = [
        f"{name} {found.get(name)!r} there, {asked.get(name)!r} asked"
        for name in dict.fromkeys([*asked, *found])
        if found.get(name) != asked.get(name)
    ]
    if differing:
        raise UserError(
            f"{out} was made with other settings: {'; '.join(differing)}."
            " Ask for the same, choose another folder, or delete this one."
        )


def refuse_foreign_folder(out: Path) -> None:
    """Raises UserError where the output's place is taken by something else."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: expected a folder, found a file. Choose another place.")
    found = (
        sorted(path.name for path in out.iterdir() if path.name != JOURNAL) if out.exists() else []
    )
    if found:
        raise UserError(
            f"{out}: expected an empty folder or one that prepare made, found {found[0]!r}."
            " Choose another folder."
        )
