"""How long captions are, and which lengths a run uses."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import (
    CHUNK,
    read_all,
    read_split_records,
    refuse_damage,
)
from pipelines.data.prepared.tfrecords import parse_captions
from t2i_tf.errors import UsageError, UserError
from t2i_tf.text.tokenizer import split_in_graph

_NO_CHUNK = (np.zeros(0, np.int64), np.zeros(0, np.int64))


@dataclass(frozen=True)
class LengthRange:
    """Captions of `shortest` to `longest` words, padded to a multiple of `multiple`."""

    shortest: int = 1
    longest: int = 29
    multiple: int = 1

    def __post_init__(self):
        if not 1 <= self.shortest <= self.longest or self.multiple < 1:
            raise UsageError(
                "Expected 1 <= min_words <= max_words and length_multiple >= 1,"
                f" got {self.shortest}, {self.longest} and {self.multiple}."
            )

    def holds(self, lengths):
        """Which of the lengths are in the range: bool, of the same shape."""
        return (lengths >= self.shortest) & (lengths <= self.longest)

    def padded(self, lengths):
        """The lengths with padding."""
        return -(-lengths // self.multiple) * self.multiple


@dataclass(frozen=True)
class CaptionLengths:
    """How long the captions of a split are, in the order of the records."""

    words: np.ndarray  # int64 [captions]
    picture: np.ndarray  # int64 [captions], the number of the record
    first: np.ndarray  # int64 [records], the number of the record's first caption

    @classmethod
    def of(cls, folder: DataFolder, split: str) -> "CaptionLengths":
        """Reads every record of the split once, checksums too, and parses its captions alone.

        Raises:
            UserError: no such split, or a damaged file, with the byte where the damage begins.
        """

        def measure(serialized):
            captions = parse_captions(serialized)
            words = split_in_graph(captions.flat_values).row_lengths()
            return words, captions.row_lengths()

        records = read_split_records(folder, split).batch(CHUNK)
        chunks = read_all(records.map(measure, tf.data.AUTOTUNE, deterministic=True), folder, split)
        words, captions = map(np.concatenate, zip(_NO_CHUNK, *chunks, strict=True))
        if len(captions) != sum(shard.examples for shard in folder.shards(split)):
            refuse_damage(folder, split)
        picture = np.repeat(np.arange(len(captions)), captions)
        return cls(words, picture, np.cumsum(captions) - captions)

    def kept(self, lengths: LengthRange, where: str) -> np.ndarray:
        """Which captions are in the range, bool [captions]; UserError where none is."""
        kept = lengths.holds(self.words)
        if not kept.any():
            found = (
                f"captions of {self.words.min()} to {self.words.max()} words"
                if len(self.words)
                else "no captions"
            )
            raise UserError(
                f"{where}: no caption has {lengths.shortest} to {lengths.longest} words: there are"
                f" {found}. Change min_words or max_words."
            )
        return kept
