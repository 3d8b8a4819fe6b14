"""(picture, caption) pairs, which a model trains on: one for every caption of a picture."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.tfrecords import check_file, parse_batch, parse_captions, read_records
from t2i_tf.errors import UsageError, UserError
from t2i_tf.text.tokenizer import Tokenizer, split_in_graph

CHUNK = 1024  # records parsed at a time, at most
CHUNK_BYTES = 8 << 20  # pixels parsed at a time, at most
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

        shards = folder.shards(split)
        records = read_records([shard.path for shard in shards])
        chunks = read_all(
            records.batch(CHUNK).map(measure, tf.data.AUTOTUNE, deterministic=True), folder, split
        )
        words, captions = map(np.concatenate, zip(_NO_CHUNK, *chunks, strict=True))
        if len(captions) != sum(shard.examples for shard in shards):
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


def read_all(chunks: tf.data.Dataset, folder: DataFolder, split: str) -> Iterator:
    """The elements of a dataset over a split, as NumPy arrays.

    Raises:
        UserError: where a shard is damaged.
    """
    try:
        yield from chunks.as_numpy_iterator()
    except tf.errors.OpError:
        refuse_damage(folder, split)
        raise


def refuse_damage(folder: DataFolder, split: str) -> None:
    """Raises UserError with file and byte where a shard of the split is damaged."""
    for shard in folder.shards(split):
        check_file(shard.path, shard.examples, folder.shape)


class PairReader:
    """Makes pairs of records, in the graph, many at a time.

    Args:
        folder: whose vocabulary gives the ids.
        lengths: the captions to keep.
        first: the number of each record's first caption, int64 [records].
    """

    def __init__(self, folder: DataFolder, lengths: LengthRange, first: np.ndarray):
        self.shape = folder.shape
        self.lengths = lengths
        self.first = first
        self.width = lengths.padded(lengths.longest)  # of token_ids
        self.tokenizer = Tokenizer(folder.vocabulary, max(self.width, lengths.longest + 1))
        self.chunk = max(1, min(CHUNK, CHUNK_BYTES // folder.picture_bytes))

    def __call__(self, record: tf.Tensor, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        """The pairs of records string [R], in their order; `record` int64 [R] are their numbers.

        Returns:
            `image` uint8 [R, H, W, C], and of each pair: `picture`, its number in `image`, int64
            [P]; `token_ids` int32 [P, width]; `words`, how many, int64 [P]; `number`, that of the
            caption in its split, int64 [P]; `caption`, `id` and `attributes`, string [P].
        """
        parsed = parse_batch(serialized, self.shape)
        caption = parsed["captions"].flat_values
        token_ids = self.tokenizer(
            caption, pad=True
        )  # one too many tells captions that are too long
        words = tf.math.count_nonzero(token_ids, axis=1)
        kept = tf.where(self.lengths.holds(words))[:, 0]
        picture = tf.gather(parsed["captions"].value_rowids(), kept)
        begin = tf.gather(tf.constant(self.first), record) - parsed["captions"].row_starts()
        return {
            "image": parsed["image"],
            "picture": picture,
            "token_ids": tf.gather(token_ids, kept)[:, : self.width],
            "words": tf.gather(words, kept),
            "number": tf.gather(begin, picture) + kept,
            "caption": tf.gather(caption, kept),
            "id": tf.gather(parsed["id"], picture),
            "attributes": tf.gather(parsed["attributes"], picture),
        }


def first_of_each_picture(pairs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The first pair of each picture; every array [P, ...]."""
    before = tf.concat([[-1], pairs["picture"][:-1]], axis=0)
    first = tf.where(pairs["picture"] != before)[:, 0]
    return {name: tf.gather(part, first) for name, part in pairs.items()}
