"""Pictures and captions -> a data folder that training reads.

    OUT/{split}-00000-of-000NN.tfrecord    raw pixels and captions
    OUT/vocabulary.txt                     the words of the training captions, with counts
    OUT/manifest.json                      written last: what the folder holds, and from what

A run that was broken off goes on where it stood; a finished folder is left as it is.
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
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pipelines.data.preparation.image_loading import Fit, PictureReader
from pipelines.data.preparation.manifest_writer import (
    build_manifest,
    read_manifest,
    some,
    verify,
)
from pipelines.data.preparation.resume_log import Journal, is_finished
from pipelines.data.preparation.shards import (
    PlannedShard,
    WrittenShard,
    file_sha256,
    plan_shards,
    write_shard,
)
from pipelines.data.prepared.data_folder import MANIFEST, VOCABULARY
from pipelines.data.sources.example import Example, Source
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
    """Makes the data folder `out` of a source, or what is still missing of it.

    Args:
        height, width, channels: of every picture, pixels.
        filter, crop: how a picture gets there; see `Fit`.
        shard_size: examples in a file.
        min_count: a word is in the vocabulary if the training captions have it this often.
        max_bad: the fraction of the pictures that may be unreadable or without a caption.
        workers: pictures decoded at a time; as many as pay where None.

    Returns:
        The manifest.

    Raises:
        UsageError: for a size or rule that does not exist.
        UserError: for too many bad pictures, too small a disk, a source without training examples,
            and a folder that holds something else or was made with other settings.
    """
    out, fit = Path(out), Fit(height, width, channels, filter, crop)
    if min(shard_size, min_count) < 1:
        raise UsageError(
            f"Expected at least 1, got shard_size {shard_size}, min_count {min_count}."
        )
    splits = read_splits(source)
    settings = {
        "source": source.name,
        "examples_sha256": fingerprint(splits, source.facts()),
        **dataclasses.asdict(fit),
        "shard_size": shard_size,
        "min_count": min_count,
    }
    if is_finished(out, settings):
        print(f"{out} is finished: nothing to do.")
        return read_manifest(out)
    journal = Journal(out, settings)
    shards = plan_shards(splits, shard_size)
    records = make_shards(shards, out, journal, PictureReader(fit, workers), max_bad)
    vocabulary = save_vocabulary(shards, records, min_count, out / VOCABULARY)
    manifest = build_manifest(settings, source.facts(), shards, records, vocabulary)
    write_json(out / MANIFEST, manifest)
    journal.remove()
    return manifest


def read_splits(source: Source) -> Splits:
    """The splits that have examples; UserError where there is nothing to train on."""
    splits = {name: examples for name, examples in source.splits().items() if len(examples)}
    if "train" not in splits:
        raise UserError(
            f"{source.name}: expected examples to train on, found {', '.join(splits) or 'none'}."
        )
    return splits


def fingerprint(splits: Splits, facts: Mapping[str, Any]) -> str:
    """A hash of all that is known of the examples but for what is in their files."""
    digest = hashlib.sha256(msgspec.json.encode(facts))
    for split, examples in splits.items():
        for example in examples:
            file = example.picture.name if isinstance(example.picture, Path) else ""
            known = [split, example.id, file, example.captions, example.attributes]
            digest.update(msgspec.json.encode(known))
    return digest.hexdigest()


def make_shards(
    shards: Sequence[PlannedShard],
    out: Path,
    journal: Journal,
    reader: PictureReader,
    max_bad: float,
) -> list[WrittenShard]:
    """The records of all shards; those that are not done yet are made now.

    Raises:
        UserError: for too many bad pictures, and a disk that is or becomes full.
    """
    found = [(shard, journal.find(shard)) for shard in shards]
    missing = [shard for shard, record in found if not record]
    refuse_full_disk(out, sum(map(len, missing)) * (reader.fit.bytes + RECORD_OVERHEAD))
    pictures, records = sum(map(len, shards)), []
    with progress_bar() as progress:
        task = progress.add_task("Preparing", total=sum(map(len, missing)), speed="-")
        for shard, record in found:
            if not record:
                record = make_shard(shard, out, journal, reader)
                speed = progress.tasks[task].speed or len(shard) / progress.tasks[task].elapsed
                progress.update(task, advance=len(shard), speed=f"{speed:,.0f}")
            records.append(record)
            refuse_too_many_bad(records, max_bad, pictures)
    return records


def make_shard(
    shard: PlannedShard, out: Path, journal: Journal, reader: PictureReader
) -> WrittenShard:
    """Writes a shard and notes that it is done; UserError where the disk does not take it."""
    try:
        record = write_shard(shard, out, journal.scratch, reader)
        journal.keep(record)
    except (OSError, tf.errors.OpError) as error:
        raise UserError(
            f"{out / shard.file}: cannot be written: {error}. What is done is kept: mend the cause"
            " and run the same command again."
        ) from error
    return record


def refuse_full_disk(out: Path, needed: int) -> None:
    """Raises UserError where the disk has fewer bytes free than are still to be written."""
    free = shutil.disk_usage(out).free
    if needed > free:
        raise UserError(
            f"{out}: about {needed / 1e6:,.0f} MB are to be written, {free / 1e6:,.0f} MB are free."
            " Make room, choose another disk or smaller pictures."
        )


def refuse_too_many_bad(records: Sequence[WrittenShard], max_bad: float, pictures: int) -> None:
    """Raises UserError once more than `max_bad` of all pictures had to be skipped."""
    bad = [f"{one.file} ({one.reason})" for record in records for one in record.skipped]
    if len(bad) > max_bad * pictures:
        raise UserError(
            f"{len(bad)} bad pictures so far, more than {max_bad:.2%} of {pictures:,}: {some(bad)}."
            " Mend them, or allow more (max_bad); the same command then goes on from here."
        )


def progress_bar() -> Progress:
    """Pictures done, pictures/s, time left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]} pictures/s"),
        TimeRemainingColumn(),
    )


def save_vocabulary(
    shards: Sequence[PlannedShard], records: Sequence[WrittenShard], min_count: int, path: Path
) -> dict[str, Any]:
    """Writes the words of the training captions and returns the manifest's account of them.

    Captions of pictures that were skipped do not count, nor do those of other splits: what only
    they have must stay unknown.
    """
    counts = Counter()
    for shard, record in zip(shards, records, strict=True):
        if shard.split == "train":
            counts.update(record.words)
    vocabulary = Vocabulary.from_counts(counts, min_count)
    vocabulary.save(path)
    return {"size": len(vocabulary), "min_count": min_count, "sha256": file_sha256(path)}
