"""Pictures and captions -> a data folder that training reads.

    OUT/{split}-00000-of-000NN.tfrecord    raw pixels and captions
    OUT/vocabulary.txt                     the words of the training captions, with counts
    OUT/pictures.json                      the states of the picture files when they were read
    OUT/manifest.json                      written last: what the folder holds, and from what

An interrupted run resumes where it stopped; a finished folder is left as it is.
"""

import errno
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.data.pictures.image_loading import IGNORED, PictureReader
from pipelines.data.pictures.resizing import ResizeOptions
from pipelines.data.preparation.folder_settings import (
    Settings,
    Splits,
    decoder_of,
    describe_settings,
    refuse_other_settings,
    without_facts,
)
from pipelines.data.preparation.manifest_writer import (
    build_manifest,
    first_few,
    read_manifest,
    verify,
)
from pipelines.data.preparation.picture_states import (
    COPIES,
    compare_with_states,
    note_pictures_in_two_splits,
    save_states,
)
from pipelines.data.preparation.resume_log import ResumeLog
from pipelines.data.preparation.shards import (
    PlannedShard,
    WrittenShard,
    plan_shards,
    write_shard,
)
from pipelines.data.prepared.data_folder import MANIFEST, VOCABULARY
from pipelines.data.sources.example import NotingSource, Source
from pipelines.data.sources.notes import Notes
from pipelines.progress_bar import ProgressBar
from t2i_tf.errors import UserError
from t2i_tf.files import file_sha256
from t2i_tf.json_files import write_json
from t2i_tf.number_ranges import check_flags
from t2i_tf.text.segmenter import vocabulary_of

RECORD_OVERHEAD = 1024  # bytes of a record's captions and attributes, generously

__all__ = ["prepare", "verify"]


def prepare(
    source: Source,
    out: str | Path,
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
) -> dict[str, Any]:
    """Makes the data folder `out` from a source, or what is still missing of it.

    Args:
        source: The examples, by split.
        out: Folder to make, or to finish.
        height, width, channels, filter, crop, background: Size of every image and how it gets
            there; see `ResizeOptions`.
        shard_size: Examples in a file.
        min_count: Occurrences in the training captions that a word of the vocabulary needs.
        max_bad: Fraction of the pictures that may be unreadable or without a caption.
        workers: Pictures decoded at a time; tf.data decides if None.

    Returns:
        The manifest.

    Raises:
        UsageError: a size or an option has an impossible value.
        UserError: there are too many bad pictures, the disk is too small, the source has no
            training examples, the folder cannot be written or another process writes it, or it
            holds something else or was made with other settings or from other pictures.
    """
    out, resize = Path(out), ResizeOptions(height, width, channels, filter, crop, background)
    check_flags(shard_size=shard_size, min_count=min_count, max_bad=max_bad, workers=workers)
    splits = read_splits(source)
    notes = source.notes if isinstance(source, NotingSource) else Notes()
    settings = describe_settings(source, splits, resize, shard_size, min_count)
    shards = plan_shards(splits, shard_size)
    try:
        manifest = read_finished(out, settings, shards)
        if manifest:
            return manifest
        with ResumeLog(out, settings) as log:
            manifest = read_finished(out, settings, shards)  # another process may have finished it
            if not manifest:
                log.begin()
                written = write_missing_shards(
                    shards, out, log, PictureReader(resize, workers), max_bad
                )
                manifest = finish(out, settings, shards, written, notes)
            log.remove()
    except (OSError, tf.errors.OpError) as error:
        reason = disk_trouble(error)
        if reason is None:
            raise
        raise UserError(explain_disk_trouble(out, error, reason)) from error
    return manifest


def finish(
    out: Path,
    settings: Settings,
    shards: Sequence[PlannedShard],
    written: Sequence[WrittenShard],
    notes: Notes,
) -> dict[str, Any]:
    """Writes what a folder has besides its shards, the manifest last, and returns the manifest.

    Raises:
        UserError: no training picture could be read.
    """
    refuse_nothing_to_train_on(shards, written)
    said = notes.lines()
    for change in (change for shard in written for change in shard.changes):
        notes.add(change.what, change.count, change.first)
    note_empty_splits(shards, written, notes)
    copies = note_pictures_in_two_splits(shards, written, notes)
    print_lines(line for line in notes.lines() if line not in said)
    vocabulary = save_vocabulary(shards, written, settings["min_count"], out / VOCABULARY)
    save_states(out, written)
    manifest = build_manifest(
        without_facts(settings), settings["facts"], shards, written, vocabulary
    )
    manifest["notes"] = notes.as_json()
    if copies:
        manifest[COPIES] = copies
    write_json(out / MANIFEST, manifest)
    return manifest


def print_lines(lines: Iterable[str]) -> None:
    """Prints each line."""
    for line in lines:
        print(line)


def read_splits(source: Source) -> Splits:
    """The splits that have examples, and the notes printed; UserError if there is no training."""
    splits = {name: examples for name, examples in source.splits().items() if len(examples)}
    if isinstance(source, NotingSource):
        print_lines(source.notes.lines())
    if "train" not in splits:
        found = f"those of {', '.join(splits)} alone" if splits else "none"
        raise UserError(
            f"{source.name}: expected examples to train on, found {found}."
            + " Divide them anew with --splits 0.8,0.1,0.1." * bool(splits)
        )
    return splits


def refuse_nothing_to_train_on(
    shards: Sequence[PlannedShard], written: Sequence[WrittenShard]
) -> None:
    """Raises UserError if all training pictures had to be skipped."""
    train = [shard for plan, shard in zip(shards, written, strict=True) if plan.split == "train"]
    if not sum(shard.examples for shard in train):
        bad = [f"{one.file} ({one.reason})" for shard in train for one in shard.skipped]
        raise UserError(
            f"There is nothing to train on: none of the {len(bad):,} training pictures can be"
            f" used: {first_few(bad)}. Repair them and run the same command again."
        )


def note_empty_splits(
    shards: Sequence[PlannedShard], written: Sequence[WrittenShard], notes: Notes
) -> None:
    """Remarks on each split of which no picture could be used."""
    left: Counter[str] = Counter()
    for plan, shard in zip(shards, written, strict=True):
        left[plan.split] += shard.examples
    for split, examples in left.items():
        if not examples:
            notes.say(f"No picture of the split {split} can be used, so that it is empty")


def read_finished(
    out: Path, settings: Settings, shards: Sequence[PlannedShard]
) -> dict[str, Any] | None:
    """The manifest of a finished folder; None for any other folder.

    Raises:
        UserError: it was made with other settings or from other pictures, its manifest is not
            from `prepare`, or a file of it is missing or damaged.
    """
    if not (out / MANIFEST).is_file():
        return None
    manifest = read_manifest(out)
    found = {**manifest["settings"], "facts": manifest.get("facts", {})}
    refuse_other_settings(out, found, settings)
    verify(out)
    refuse_changed_pictures(out, shards)
    ignored = IGNORED.get(decoder_of(found))
    if ignored:
        print(
            f"{out} was made by an earlier version, which ignored {ignored}. To have its pictures"
            " read anew, delete it and run the same command again."
        )
    print(f"{out} is finished: nothing to do.")
    return manifest


def refuse_changed_pictures(out: Path, shards: Sequence[PlannedShard]) -> None:
    """Raises UserError if pictures have changed since a folder was finished."""
    found, pictures = compare_with_states(out, shards), sum(map(len, shards))
    if found.changed:
        raise UserError(
            f"{out} is older than its pictures: {len(found.changed):,} of {pictures:,} have changed"
            f" since, or were missing: {first_few(found.changed)}. To have them read anew, delete"
            " it and run the same command again, or choose another --out."
        )
    if found.vanished:
        print(
            f"{len(found.vanished):,} of {pictures:,} pictures cannot be read any more, but are in"
            f" {out}: {first_few(found.vanished)}."
        )


def disk_trouble(error: OSError | tf.errors.OpError) -> str | None:
    """Why a file was not read or written; None if the error is of another kind."""
    if isinstance(error, OSError):
        return error.strerror
    return next((text for text in map(os.strerror, errno.errorcode) if text in str(error)), None)


def explain_disk_trouble(out: Path, error: OSError | tf.errors.OpError, reason: str) -> str:
    """Says which files that `prepare` needs cannot be read or written, and what to do."""
    place = error.filename if isinstance(error, OSError) else None
    is_of_out = place is None or out in (Path(place), *Path(place).parents)
    if not is_of_out and Path(place) not in out.parents:  # a parent that cannot be made is of it
        return f"{place} cannot be read or written: {reason}."
    return (
        f"--out {out} cannot be written: {reason}. What is finished is kept: remove the cause and"
        " run the same command again, or choose another --out."
    )


def write_missing_shards(
    shards: Sequence[PlannedShard],
    out: Path,
    log: ResumeLog,
    reader: PictureReader,
    max_bad: float,
) -> list[WrittenShard]:
    """Writes the shards that the log does not have, and returns all of them.

    Raises:
        UserError: there are too many bad pictures, or the disk is or becomes full.
    """
    known = [(shard, log.find(shard)) for shard in shards]
    missing = sum(len(shard) for shard, written in known if not written)
    refuse_full_disk(out, missing * (reader.resize.bytes + RECORD_OVERHEAD))
    pictures, done = sum(map(len, shards)), []
    with ProgressBar("Preparing", missing, "pictures") as bar:
        for shard, written in known:
            if not written:
                written = write_shard(shard, out, log.scratch, reader)
                log.add(written)
                bar.advance(len(shard))
            done.append(written)
            refuse_too_many_bad(done, max_bad, pictures)
    return done


def refuse_full_disk(out: Path, needed: int) -> None:
    """Raises UserError if the disk has fewer free bytes than are still to be written."""
    free = shutil.disk_usage(out).free
    if needed > free:
        raise UserError(
            f"--out {out}: about {needed / 1e6:,.0f} MB are to be written, {free / 1e6:,.0f} MB are"
            " free. Make room, or choose another disk or smaller pictures."
        )


def refuse_too_many_bad(written: Sequence[WrittenShard], max_bad: float, pictures: int) -> None:
    """Raises UserError if more than the fraction `max_bad` of all pictures had to be skipped."""
    bad = [f"{one.file} ({one.reason})" for shard in written for one in shard.skipped]
    if len(bad) > max_bad * pictures:
        raise UserError(
            f"{len(bad)} bad pictures so far, more than {max_bad:.2%} of {pictures:,}:"
            f" {first_few(bad)}. Repair them, or allow more with --max-bad; the same command then"
            " resumes here."
        )


def save_vocabulary(
    shards: Sequence[PlannedShard], written: Sequence[WrittenShard], min_count: int, path: Path
) -> dict[str, Any]:
    """Writes the words of the training captions and returns their description in the manifest.

    The captions of skipped pictures and of other splits do not count: words that only they have
    must stay unknown.

    Raises:
        UserError: no word occurs often enough.
    """
    counts = Counter()
    for planned, shard in zip(shards, written, strict=True):
        if planned.split == "train":
            counts.update(shard.words)
    most = max(counts.values(), default=0)
    if most < min_count:
        raise UserError(
            f"No word of the training captions occurs --min-count {min_count:,} times: the"
            f" commonest occurs {most:,} times. Delete {path.parent}, and give a smaller number."
        )
    vocabulary = vocabulary_of(counts, min_count)
    vocabulary.save(path)
    described = {"size": len(vocabulary), "min_count": min_count, "sha256": file_sha256(path)}
    return described | ({"header": vocabulary.header} if vocabulary.header else {})
