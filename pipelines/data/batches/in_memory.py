"""Batches from memory: each has captions of one length, and (seed, step) determine the order.

The captions of each length form an endless sequence of passes, each pass in its own random order.
Full batches are cut from that sequence, so a batch may end one pass and begin the next. No caption
is ever dropped, even if fewer captions than a batch holds have its length, and all captions are
seen equally often. If remainders are kept instead, the last batch of a pass may be smaller, and
each epoch has every caption exactly once.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipelines.data.batches.caption_pairs import PairReader
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import read_all, read_split_records

_ROUNDS = 4  # of the cipher that shuffles a pass; TensorFlow's default


class Pairs(NamedTuple):
    """Pairs sorted by the length of the caption, in host memory."""

    image: tf.Tensor  # uint8 [pictures, H, W, C]
    picture: tf.Tensor  # int64 [pairs], index in `image`
    token_ids: tf.Tensor  # int32 [pairs, width]
    number: tf.Tensor  # int64 [pairs], index of the caption in its split
    lengths: Sequence[int]  # padded caption lengths, ascending
    counts: Sequence[int]  # pairs of each length


def read_pairs(folder: DataFolder, split: str, reader: PairReader, pictures: np.ndarray) -> Pairs:
    """The first pairs of a split, in one pass over its records.

    Args:
        pictures: Index of the record of each pair, int64 [pairs]; as many pairs are read.

    Raises:
        UserError: a file is damaged.
    """
    image = np.empty((pictures[-1] + 1, *folder.shape), np.uint8)
    token_ids = np.empty((len(pictures), reader.width), np.int32)
    words, number = (np.empty(len(pictures), np.int64) for _ in range(2))

    def parse(record, serialized):
        pairs = reader(record, serialized)
        return pairs["image"], pairs["token_ids"], pairs["words"], pairs["number"]

    records = read_split_records(folder, split).take(len(image))
    records = records.enumerate().batch(reader.chunk)
    chunks = records.map(parse, tf.data.AUTOTUNE, deterministic=True)
    _fill((image, token_ids, words, number), read_all(chunks, folder, split))
    order = np.argsort(words, kind="stable")
    lengths, counts = np.unique(reader.lengths.padded(words), return_counts=True)
    with tf.device("CPU"):
        return Pairs(
            tf.constant(image),
            tf.constant(pictures[order]),
            tf.constant(token_ids[order]),
            tf.constant(number[order]),
            lengths.tolist(),
            counts.tolist(),
        )


def _fill(arrays: Sequence[np.ndarray], chunks: Iterable[Sequence[np.ndarray]]) -> None:
    """Copies the chunks one after another into the arrays, until these are full."""
    filled = [0] * len(arrays)
    for chunk in chunks:
        for k, (array, part) in enumerate(zip(arrays, chunk, strict=True)):
            part = part[: len(array) - filled[k]]
            array[filled[k] : filled[k] + len(part)] = part
            filled[k] += len(part)


class RamBatches:
    """The endless sequence of batches.

    Args:
        pairs: The pairs to make batches of.
        size: Pairs in a batch.
        seed: Seed of the order.
        full: Whether every batch is full.
    """

    def __init__(self, pairs: Pairs, size: int, seed: int, full: bool):
        self.pairs, self.size, self.full = pairs, size, full
        self._seed = tf.constant(seed, tf.int64)

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches that show every caption once; on average, if all are full."""
        return max(1, self._pairs // self.size) if self.full else self._steps_before(1)

    def dataset(self, start_step: int) -> tf.data.Dataset:
        """The endless batches from `start_step` on."""
        epoch = self._epoch_of(start_step)
        epochs = tf.data.Dataset.range(epoch, sys.maxsize)
        cuts = epochs.flat_map(lambda e: tf.data.Dataset.from_tensor_slices(self._cuts(e)))
        cuts = cuts.skip(start_step - self._steps_before(epoch))
        return cuts.map(self._batch, tf.data.AUTOTUNE, deterministic=True)

    @property
    def _pairs(self) -> int:
        return sum(self.pairs.counts)

    def _steps_before(self, epoch: int) -> int:
        if self.full:
            return sum(epoch * count // self.size for count in self.pairs.counts)
        return epoch * sum(-(-count // self.size) for count in self.pairs.counts)

    def _epoch_of(self, step: int) -> int:
        epoch = step * self.size // self._pairs if self.full else step // self._steps_before(1)
        while self._steps_before(epoch + 1) <= step:  # rounding: at most a few lengths lag behind
            epoch += 1
        return epoch

    def _cuts(self, epoch: tf.Tensor) -> tf.Tensor:
        """The batches of an epoch in their order, int64 [steps, 3].

        Each row has the index of a length, and the first and last position (last excluded) in the
        endless sequence of that length.
        """
        counts = tf.constant(self.pairs.counts, tf.int64)
        begin, end = epoch * counts, (epoch + 1) * counts
        if self.full:
            begin, end = (position // self.size * self.size for position in (begin, end))
        first = tf.ragged.range(begin, end, self.size, row_splits_dtype=tf.int64)
        group = first.value_rowids()
        last = tf.minimum(first.flat_values + self.size, tf.gather(end, group))
        cuts = tf.stack([group, first.flat_values, last], axis=1)
        return tf.random.experimental.stateless_shuffle(cuts, [self._seed, epoch])

    def _batch(self, cut: tf.Tensor) -> dict[str, tf.Tensor]:
        """The batch of a row of `_cuts`: `image`, `token_ids`, and the captions' `number`."""
        group, first, last = tf.unstack(cut)
        pair = self._pair_at(group, tf.range(first, last))
        words = tf.gather(self.pairs.lengths, group)
        return {
            "image": tf.gather(self.pairs.image, tf.gather(self.pairs.picture, pair)),
            "token_ids": tf.gather(self.pairs.token_ids, pair)[:, :words],
            "number": tf.gather(self.pairs.number, pair),
        }

    def _pair_at(self, group: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        """Indices int64 [B] of the pairs at positions int64 [B] in the sequence of a length."""
        counts = tf.constant(self.pairs.counts, tf.int64)
        count, start = tf.gather(counts, group), tf.gather(tf.cumsum(counts, exclusive=True), group)
        repeat, position = position // count, position % count
        group, last, seed = (tf.fill(tf.shape(repeat), x) for x in (group, count - 1, self._seed))
        # `tf.random.experimental.index_shuffle` does this with one seed for all positions.
        return start + tf.raw_ops.RandomIndexShuffle(
            index=position,
            seed=tf.stack([seed, group, repeat], axis=1),
            max_index=last,
            rounds=_ROUNDS,
        )
