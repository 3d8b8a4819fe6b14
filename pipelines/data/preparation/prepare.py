"""Pictures and captions -> a data folder that training reads.

    OUT/{split}-00000-of-000NN.tfrecord    raw pixels and captions
    OUT/vocabulary.txt                     the words of the training captions, with counts
    OUT/manifest.json                      written last: what the folder holds, and from what

An interrupted run resumes where it stopped; a finished folder is left as it is.
"""

import dataclasses
import hashlib
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import tensorflow as tf

from pipelines.data.preparation.image_loading import DECODER, PictureReader, ResizeOptions
from pipelines.data.preparation.manifest_writer import (
    build_manifest,
    first_few,
    read_manifest,
    verify,
)
from pipelines.data.preparation.resume_log import ResumeLog, is_finished
from pipelines.data.preparation.shards import (
    PlannedShard,
    WrittenShard,
    file_sha256,
    plan_shards,
    write_shard,
)
from pipelines.data.prepared.data_folder import MANIFEST, VOCABULARY
from pipelines.data.sources.example import Example, NotingSource, Source
from pipelines.data.sources.notes import Notes
from pipelines.progress_bar import ProgressBar
from t2i_tf.errors import UsageError, UserError
from t2i_tf.json_files import write_json
from t2i_tf.text.vocabulary import Vocabulary

RECORD_OVERHEAD = 1024  # bytes of a record's captions and attributes, generously

Splits = Mapping[str, Sequence[Example]]

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
    shard_size: int = 512,
    min_count: int = 1,
    max_bad: float = 0.01,
    workers: int | None = None,
) -> dict[str, Any]:
    """Makes the data folder `out` from a source, or what is still missing of it.

    Args:
        source: The examples, by split.
        out: Folder to make, or to finish.
        height, width, channels, filter, crop: Size of every image and how it gets there; see
            `ResizeOptions`.
        shard_size: Examples in a file.
        min_count: Occurrences in the training captions that a word of the vocabulary needs.
        max_bad: Fraction of the pictures that may be unreadable or without a caption.
        workers: Pictures decoded at a time; tf.data decides if None.

    Returns:
        The manifest.

    Raises:
        UsageError: a size or an option has an impossible value.
        UserError: there are too many bad pictures, the disk is too small, the source has no
            training examples, or the folder holds something else or was made with other settings.
    """
    out, resize = Path(out), ResizeOptions(height, width, channels, filter, crop)
    check_positive(shard_size=shard_size, min_count=min_count)
    splits = read_splits(source)
    notes = source.notes if isinstance(source, NotingSource) else Notes()
    print(*notes.lines(), sep="\n", end="\n" * bool(notes.lines()))
    settings = describe_settings(source, splits, resize, shard_size, min_count)
    if is_finished(out, settings):
        print(f"{out} is finished: nothing to do.")
        return read_manifest(out)
    log = ResumeLog(out, settings)
    shards = plan_shards(splits, shard_size)
    written = write_missing_shards(shards, out, log, PictureReader(resize, workers), max_bad)
    vocabulary = save_vocabulary(shards, written, min_count, out / VOCABULARY)
    manifest = build_manifest(settings, source.facts(), shards, written, vocabulary)
    manifest["notes"] = notes.as_json()
    write_json(out / MANIFEST, manifest)
    log.remove()
    return manifest


def check_positive(**options: int) -> None:
    """Raises UsageError if an option is less than 1."""
    for name, value in options.items():
        if value < 1:
            raise UsageError(f"{name}: expected at least 1, got {value}.")


def read_splits(source: Source) -> Splits:
    """The splits that have examples; UserError if there is nothing to train on."""
    splits = {name: examples for name, examples in source.splits().items() if len(examples)}
    if "train" not in splits:
        raise UserError(
            f"{source.name}: expected examples to train on, found {', '.join(splits) or 'none'}."
            + " Divide them anew with --splits 0.8,0.1,0.1." * bool(splits)
        )
    return splits


def describe_settings(
    source: Source, splits: Splits, resize: ResizeOptions, shard_size: int, min_count: int
) -> dict[str, Any]:
    """All that determines the contents of a data folder, as JSON."""
    return {
        "source": source.name,
        "examples_sha256": fingerprint(splits, source.facts()),
        **dataclasses.asdict(resize),
        "decoder": DECODER,
        "shard_size": shard_size,
        "min_count": min_count,
    }


def fingerprint(splits: Splits, facts: Mapping[str, Any]) -> str:
    """A hash of all examples, except the contents of their files."""
    digest = hashlib.sha256(msgspec.json.encode(facts))
    for split, examples in splits.items():
        for example in examples:
            file = example.picture.name if isinstance(example.picture, Path) else ""
            known = [split, example.id, file, example.captions, example.attributes]
            digest.update(msgspec.json.encode(known))
    return digest.hexdigest()


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
                written = write_and_log(shard, out, log, reader)
                bar.advance(len(shard))
            done.append(written)
            refuse_too_many_bad(done, max_bad, pictures)
    return done


def write_and_log(
    shard: PlannedShard, out: Path, log: ResumeLog, reader: PictureReader
) -> WrittenShard:
    """Writes a shard and logs it; UserError if the disk fails or is full."""
    try:
        written = write_shard(shard, out, log.scratch, reader)
        log.add(written)
    except (OSError, tf.errors.OpError) as error:
        raise UserError(
            f"{out / shard.file}: cannot be written: {error}. The finished shards are kept: remove"
            " the cause and run the same command again."
        ) from error
    return written


def refuse_full_disk(out: Path, needed: int) -> None:
    """Raises UserError if the disk has fewer free bytes than are still to be written."""
    free = shutil.disk_usage(out).free
    if needed > free:
        raise UserError(
            f"{out}: about {needed / 1e6:,.0f} MB are to be written, {free / 1e6:,.0f} MB are free."
            " Make room, or choose another disk or smaller pictures."
        )


def refuse_too_many_bad(written: Sequence[WrittenShard], max_bad: float, pictures: int) -> None:
    """Raises UserError if more than the fraction `max_bad` of all pictures had to be skipped."""
    bad = [f"{one.file} ({one.reason})" for shard in written for one in shard.skipped]
    if len(bad) > max_bad * pictures:
        raise UserError(
            f"{len(bad)} bad pictures so far, more than {max_bad:.2%} of {pictures:,}:"
            f" {first_few(bad)}. Repair them, or allow more (max_bad); the same command then"
            " resumes here."
        )


def save_vocabulary(
    shards: Sequence[PlannedShard], written: Sequence[WrittenShard], min_count: int, path: Path
) -> dict[str, Any]:
    """Writes the words of the training captions and returns their description in the manifest.

    The captions of skipped pictures and of other splits do not count: words that only they have
    must stay unknown.
    """
    counts = Counter()
    for planned, shard in zip(shards, written, strict=True):
        if planned.split == "train":
            counts.update(shard.words)
    vocabulary = Vocabulary.from_counts(counts, min_count)
    vocabulary.save(path)
    return {"size": len(vocabulary), "min_count": min_count, "sha256": file_sha256(path)}
