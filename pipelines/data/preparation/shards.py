"""A shard of prepared examples: planned from the source alone, made on its own, kept with its hash.

A shard's examples and name follow from the plan: a picture that cannot be read makes its own shard
shorter and moves no other. It is written under a temporary name and renamed; then its record is
kept, by which a later run knows it and need not make it again.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import tensorflow as tf

from pipelines.data.preparation.image_loading import PictureReader
from pipelines.data.prepared.tfrecords import encode_example
from pipelines.data.sources.example import Example
from t2i_tf.text.tokenizer import split_words


@dataclass(frozen=True)
class PlannedShard:
    """Examples first to last (not included) of a split, and the file that they go to."""

    file: str
    split: str
    source: Sequence[Example]
    first: int
    last: int

    def __len__(self) -> int:
        """Number of examples, were all pictures good."""
        return self.last - self.first

    def examples(self) -> Sequence[Example]:
        """Its part of the split."""
        return self.source[self.first : self.last]


class Skipped(msgspec.Struct):
    """A picture left out, and why."""

    file: str
    reason: str


class WrittenShard(msgspec.Struct):
    """A shard that was written; `words` counts the words of its captions."""

    file: str
    examples: int
    captions: int
    sha256: str
    skipped: list[Skipped]
    words: dict[str, int]


def plan_shards(splits: Mapping[str, Sequence[Example]], shard_size: int) -> list[PlannedShard]:
    """Shards of `shard_size` examples, the last of a split with what remains."""
    shards = []
    for split, examples in splits.items():
        count = -(-len(examples) // shard_size)
        for number in range(count):
            file = shard_file_name(split, number, count)
            first = number * shard_size
            last = min(first + shard_size, len(examples))
            shards.append(PlannedShard(file, split, examples, first, last))
    return shards


def shard_file_name(split: str, number: int, count: int) -> str:
    """The name of shard `number`, from 0, of a split's `count` shards."""
    return f"{split}-{number:05d}-of-{count:05d}.tfrecord"


def write_shard(
    shard: PlannedShard, out: Path, temporary: Path, reader: PictureReader
) -> WrittenShard:
    """Makes a shard: the same bytes for the same pictures, whenever and wherever.

    Args:
        out: the folder that it appears in, whole or not at all.
        temporary: where it is written, on the same file system.
    """
    skipped, words, captions = [], Counter(), 0
    examples = shard.examples()
    with tf.io.TFRecordWriter(str(temporary)) as writer:
        for example, picture in zip(examples, reader.read(examples), strict=True):
            reason = picture if isinstance(picture, str) else None
            if reason or not example.captions:
                skipped.append(Skipped(name_of(example), reason or "no caption"))
                continue
            writer.write(encode_example(example.id, picture, example.captions, example.attributes))
            captions += len(example.captions)
            for caption in example.captions:
                words.update(split_words(caption))
    digest = file_sha256(temporary)
    publish(temporary, out / shard.file)
    written = len(examples) - len(skipped)
    return WrittenShard(shard.file, written, captions, digest, skipped, dict(words))


def name_of(example: Example) -> str:
    """What a person calls an example, wherever the data lie: its folder and file, or its id."""
    if isinstance(example.picture, Path):
        return "/".join(example.picture.parts[-2:])
    return example.id


def publish(temporary: Path, path: Path) -> None:
    """Renames a written file to its name, once its bytes are on the disk."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
