"""What `prepare` has done so far, kept in the output folder so that an interrupted run can resume.

    OUT/.prepare/settings.json                   what the folder is made from, and how
    OUT/.prepare/train-00003-of-00020.json       description of a shard that is written

A finished folder has no log: its manifest has the settings.
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

LOG_FOLDER = ".prepare"
LATER = ("background", "decoder")  # settings that earlier versions did not record

Settings = Mapping[str, Any]


class ResumeLog:
    """The log of an output folder; the folder is made if it is missing.

    Args:
        out: Output folder.
        settings: All that determines the shards, as JSON.

    Raises:
        UserError: the folder holds something else, or was begun with other settings.
    """

    def __init__(self, out: Path, settings: Settings):
        self._out, self._folder = out, out / LOG_FOLDER
        begun_with = self._folder / "settings.json"
        if begun_with.is_file():
            found = read_json(begun_with, dict)
            refuse_other_decoder(out, found, settings)
            refuse_other_settings(out, found, settings)
        else:
            refuse_foreign_folder(out)
            self._folder.mkdir(parents=True, exist_ok=True)
            write_json(begun_with, settings)

    @property
    def scratch(self) -> Path:
        """Temporary file for the shard that is being written."""
        return self._folder / "shard.unfinished"

    def find(self, shard: PlannedShard) -> WrittenShard | None:
        """The description of a shard that is written and still intact; None for any other.

        A shard with bad pictures counts as missing: they may have been repaired since.
        """
        path = self._entry(shard.file)
        if not path.is_file():
            return None
        written = read_json(path, WrittenShard)
        file = self._out / shard.file
        intact = file.is_file() and file_sha256(file) == written.sha256
        return written if intact and not written.skipped else None

    def add(self, shard: WrittenShard) -> None:
        """Notes that a shard is written."""
        write_json(self._entry(shard.file), shard)

    def remove(self) -> None:
        """Deletes the log, once the manifest is written."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _entry(self, shard_file: str) -> Path:
        return self._folder / f"{Path(shard_file).stem}.json"


def is_finished(out: Path, settings: Settings) -> bool:
    """Whether a folder is finished, with these settings.

    Raises:
        UserError: it was made with other settings, or its manifest is not from `prepare`.
    """
    if not (out / MANIFEST).is_file():
        return False
    found = read_manifest(out)["settings"]
    assumed = {name: settings[name] for name in LATER if name not in found}
    refuse_other_settings(out, {**found, **assumed}, settings)
    if "decoder" in assumed:
        print(
            f"{out} was made by an earlier version, which ignored camera rotation, transparency and"
            " damage. To have them read anew, delete it and run the same command again."
        )
    return True


def refuse_other_settings(out: Path, found: Settings, requested: Settings) -> None:
    """Checks that a folder was made with the requested settings.

    Raises:
        UserError: it was not; the error names what differs.
    """
    differing = [
        f"{name} is {found.get(name)!r} there, requested {requested.get(name)!r}"
        for name in dict.fromkeys([*requested, *found])
        if found.get(name) != requested.get(name)
    ]
    if differing:
        raise UserError(
            f"{out} was made with other settings: {'; '.join(differing)}."
            " Use the same settings, choose another folder, or delete this one."
        )


def refuse_other_decoder(out: Path, found: Settings, requested: Settings) -> None:
    """Raises UserError if an unfinished folder was begun with a decoder that gives other pixels."""
    if found.get("decoder", 1) != requested["decoder"]:
        raise UserError(
            f"{out} was begun by another version of prepare, which decodes pictures differently."
            " Delete it and run the same command again."
        )


def refuse_foreign_folder(out: Path) -> None:
    """Checks that an output folder is new, empty, or begun by `prepare`.

    Raises:
        UserError: it is a file, or holds something else.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: expected a folder, found a file. Choose another path.")
    names = sorted(path.name for path in out.iterdir()) if out.exists() else []
    foreign = [name for name in names if name != LOG_FOLDER]
    if foreign:
        raise UserError(
            f"{out}: expected an empty folder or one that `prepare` made, found {foreign[0]!r}."
            " Choose another folder."
        )
