"""Shards of prepared examples: each is planned from the source alone and written on its own.

The plan determines a shard's examples and its name: a picture that cannot be read makes its own
shard smaller and changes no other. A shard is written under a temporary name and then renamed.
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
    """Examples `first` to `last` (last excluded) of a split, and the file they are written to."""

    file: str
    split: str
    source: Sequence[Example]
    first: int
    last: int

    def __len__(self) -> int:
        """Number of examples, bad pictures included."""
        return self.last - self.first

    def examples(self) -> Sequence[Example]:
        """The examples of this shard."""
        return self.source[self.first : self.last]


class Skipped(msgspec.Struct):
    """A picture that was left out, and the reason."""

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
    """Shards of `shard_size` examples each; the last one of a split may be smaller."""
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
    """Writes a shard: the same pictures always give the same bytes.

    Args:
        shard: The shard to write.
        out: Folder of the shard, which appears there complete or not at all.
        temporary: File to write to first, on the same file system.
        reader: Reader of the pictures.
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
    """The name of an example for people: its folder and file, or its id if it has no file."""
    if isinstance(example.picture, Path):
        return "/".join(example.picture.parts[-2:])
    return example.id


def publish(temporary: Path, path: Path) -> None:
    """Renames a written file to its name, once its bytes are on disk."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
