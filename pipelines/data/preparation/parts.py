"""Parts of one preparation, for several machines that share a disk, and their merge.

    OUT-parts/2-of-8/    shards of the second of eight parts, with a log of what is written

Part i of n has every n-th shard of the same plan, so that no two parts write the same file, and the
merged folder is that of an undivided preparation, byte for byte.
"""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from pipelines.data.pictures.image_loading import PictureReader
from pipelines.data.pictures.resizing import ResizeOptions
from pipelines.data.preparation.folder_settings import describe_settings
from pipelines.data.preparation.prepare import (
    disk_trouble,
    explain_disk_trouble,
    prepare,
    read_finished,
    read_splits,
    write_missing_shards,
)
from pipelines.data.preparation.resume_log import (
    LOG_FOLDER,
    SETTINGS,
    ResumeLog,
    lock_folder,
    refuse_foreign_folder,
)
from pipelines.data.preparation.shards import PlannedShard, plan_shards
from pipelines.data.prepared.data_folder import MANIFEST, beside
from pipelines.data.sources.example import Source
from t2i_tf.errors import UsageError, UserError
from t2i_tf.number_ranges import check_flags


class Part(NamedTuple):
    """Part `number`, from 1, of `count`."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Part":
        """The part that "2/8" names; UsageError if it names none."""
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        part = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 1 <= part.number <= part.count:
            raise UsageError(f"--part {text}: expected part i of n as i/n, from 1/n to n/n.")
        return part

    def of(self, shards: Sequence[PlannedShard]) -> list[PlannedShard]:
        """The shards of this part: every `count`-th."""
        return list(shards[self.number - 1 :: self.count])


def part_folder(out: Path, part: Part) -> Path:
    """The folder of a part, beside the data folder that it belongs to."""
    return parts_root(out) / f"{part.number}-of-{part.count}"


def parts_root(out: Path) -> Path:
    """The folder of all parts of a data folder."""
    return beside(out, "parts")


def prepare_part(
    source: Source,
    out: str | Path,
    part: Part,
    *,
    height: int = 32,
    width: int = 32,
    channels: int = 3,
    filter: str = "lanczos3",
    crop: str = "squash",
    background: str = "white",
    shard_size: int = 512,
    min_count: int = 1,
    max_bad: float = 0.01,
    workers: int | None = None,
) -> int:
    """Writes the shards of a part, or those that it lacks; the arguments are those of `prepare`.

    Returns:
        How many shards the part has.

    Raises:
        UsageError, UserError: as `prepare`.
    """
    out, resize = Path(out), ResizeOptions(height, width, channels, filter, crop, background)
    check_flags(shard_size=shard_size, min_count=min_count, max_bad=max_bad, workers=workers)
    splits = read_splits(source)
    settings = describe_settings(source, splits, resize, shard_size, min_count)
    shards = plan_shards(splits, shard_size)
    own, folder = part.of(shards), part_folder(out, part)
    if read_finished(out, settings, shards):
        return len(own)
    try:
        with ResumeLog(folder, settings) as log:
            log.begin()
            write_missing_shards(own, folder, log, PictureReader(resize, workers), max_bad)
    except (OSError, tf.errors.OpError) as error:
        reason = disk_trouble(error)
        if reason is None:
            raise
        raise UserError(explain_disk_trouble(folder, error, reason)) from error
    return len(own)


def merge_parts(source: Source, out: str | Path, count: int | None = None, **options) -> dict:
    """Makes the data folder of its parts.

    Args:
        source: The examples, as for the parts.
        out: Data folder to make.
        count: Number of parts; found out by the folders if None.
        options: Those of `prepare`, as for the parts.

    Returns:
        The manifest.

    Raises:
        UserError: a part is missing, or was made with other settings.
    """
    out, root = Path(out), parts_root(Path(out))
    folders = _complete(root, count) if root.exists() else []
    if not folders and not out.exists():
        raise UserError(f"{root} has no parts to merge. Make them with --part 1/n to --part n/n.")
    if folders and not (out / MANIFEST).is_file():  # else a merge was interrupted at its end
        _join(folders, out)
    manifest = prepare(source, out, **options)  # writes what no part has: bad pictures are tried
    shutil.rmtree(root, ignore_errors=True)
    return manifest


def _complete(root: Path, count: int | None) -> list[Path]:
    """The folders of all parts; UserError with those that are missing."""
    found = {
        Part(int(name[1]), int(name[2])): folder
        for folder in sorted(root.iterdir())
        if (name := re.fullmatch(r"(\d+)-of-(\d+)", folder.name))
    }
    counts = {part.count for part in found} | ({count} if count else set())
    if len(counts) > 1:
        raise UserError(
            f"{root} has parts of several divisions: {', '.join(f.name for f in found.values())}."
            " Delete those that do not belong together."
        )
    wanted = [Part(number, *counts) for number in range(1, 1 + max(counts, default=0))]
    missing = [f"--part {part.number}/{part.count}" for part in wanted if part not in found]
    if missing:
        raise UserError(f"{root} lacks parts: run {', '.join(missing)}, then merge again.")
    return [found[part] for part in wanted]


def _join(parts: Sequence[Path], out: Path) -> None:
    """Moves all parts into the data folder, which no other process writes meanwhile."""
    if not (out / LOG_FOLDER / SETTINGS).is_file():
        refuse_foreign_folder(out)
    with lock_folder(out):
        for part in parts:
            _check_same_settings(part, out)
        for part in parts:
            _move_into(part, out)


def _move_into(part: Path, out: Path) -> None:
    """Moves the shards of a part, and then what its log says of them."""
    for shard in sorted(part.glob("*.tfrecord")):
        shard.replace(out / shard.name)
    for entry in sorted((part / LOG_FOLDER).glob("*.json")):
        if entry.name != SETTINGS:
            shutil.copyfile(entry, out / LOG_FOLDER / entry.name)


def _check_same_settings(part: Path, out: Path) -> None:
    theirs, ours = part / LOG_FOLDER / SETTINGS, out / LOG_FOLDER / SETTINGS
    if not theirs.exists():
        return
    if not ours.exists():
        shutil.copyfile(theirs, ours)
    if theirs.read_bytes() != ours.read_bytes():
        raise UserError(
            f"{part} was prepared with other settings than {out}. Prepare the part again with the"
            f" same options, or delete {parts_root(out)}."
        )
