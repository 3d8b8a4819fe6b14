"""Shards of prepared examples: each is planned from the source alone and written on its own.

The plan determines a shard's examples and its name: a picture that cannot be read makes its own
shard smaller and changes no other. A shard is written under a temporary name and then renamed.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import tensorflow as tf

from pipelines.data.pictures.image_loading import PictureReader
from pipelines.data.pictures.picture_inspection import FileState
from pipelines.data.prepared.tfrecords import encode_example
from pipelines.data.sources.example import Example
from pipelines.data.sources.notes import Notes
from t2i_tf.files import file_sha256
from t2i_tf.text.tokenizer import split_words

NO_CAPTION = "no caption"
MESSAGES = "Messages of the libraries that decode pictures, such as libtiff"


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


class Change(msgspec.Struct):
    """A kind of change that was made to some pictures: how many, and the first of them."""

    what: str
    count: int
    first: list[str]


class WrittenShard(msgspec.Struct):
    """A shard that was written.

    Args:
        file: Its name.
        examples, captions: What it holds.
        sha256: Hash of its bytes.
        skipped: Pictures of its plan that were left out.
        words: How often each word is in its captions.
        changes: What was changed of its pictures.
        states: For each example of its plan, the state of its picture when it was read.
        left_out: Numbers, in its plan, of the examples that were left out.
        plan: Hash of the settings that it was planned with.
    """

    file: str
    examples: int
    captions: int
    sha256: str
    skipped: list[Skipped]
    words: dict[str, int]
    changes: list[Change] = []
    states: list[FileState | None] = []
    left_out: list[int] = []
    plan: str = ""


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
    written = WrittenShard(shard.file, 0, 0, "", [], {}, [], [], [])
    words, changes = Counter(), Notes()
    with tf.io.TFRecordWriter(str(temporary)) as writer:
        for number, read in enumerate(reader.read(shard.examples())):
            example = read.example
            written.states.append(read.state)
            if read.pixels is None or not example.captions:
                written.skipped.append(Skipped(name_of(example), read.reason or NO_CAPTION))
                written.left_out.append(number)
                continue
            for change in read.changes:
                changes.count(change, name_of(example))
            record = encode_example(example.id, read.pixels, example.captions, example.attributes)
            writer.write(record)
            written.examples += 1
            written.captions += len(example.captions)
            for caption in example.captions:
                words.update(split_words(caption))
    for message in reader.take_messages():
        changes.count(MESSAGES, message)
    written.words = dict(words)
    written.changes = msgspec.convert(changes.as_json(), list[Change])
    written.sha256 = file_sha256(temporary)
    publish(temporary, out / shard.file)
    return written


def name_of(example: Example) -> str:
    """The name of an example for people: as its source writes it, or its folder and file."""
    if example.name:
        return example.name
    if isinstance(example.picture, Path):
        return "/".join(example.picture.parts[-2:])
    return example.id


def publish(temporary: Path, path: Path) -> None:
    """Renames a written file to its name, once its bytes are on disk."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
