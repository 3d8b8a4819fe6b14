"""Batches from memory: captions of one length a batch, in an order that follows from (seed, step).

The captions of each length are walked through without end, lap after lap, each lap in an order of
its own. Full batches are cut from that walk, so that one may end a lap and begin the next: no
caption is ever dropped, not even one of a length that is rarer than a batch is large, and all are
seen equally often. Where remainders are kept instead, the last batch of a lap is as short as it has
to be, and an epoch has every caption exactly once.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipelines.data.batches.caption_pairs import PairReader
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import read_all, read_split_records

_ROUNDS = 4  # of the cipher that orders a lap; TensorFlow's own choice


class Pairs(NamedTuple):
    """Pairs sorted by the length of the caption, in the host's memory."""

    image: tf.Tensor  # uint8 [pictures, H, W, C]
    picture: tf.Tensor  # int64 [pairs], into `image`
    token_ids: tf.Tensor  # int32 [pairs, width]
    number: tf.Tensor  # int64 [pairs], of the caption in its split
    lengths: Sequence[int]  # of captions with padding, ascending
    counts: Sequence[int]  # pairs of each length


def read_pairs(folder: DataFolder, split: str, reader: PairReader, pictures: np.ndarray) -> Pairs:
    """Reads the records of a split once.

    Args:
        pictures: the number of the record of each pair that is wanted, int64 [pairs]; they are the
            first ones that `reader` makes.

    Raises:
        UserError: where a file is damaged.
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
    """Copies the parts of each chunk behind those of the one before; what is too much is left."""
    filled = [0] * len(arrays)
    for chunk in chunks:
        for k, (array, part) in enumerate(zip(arrays, chunk, strict=True)):
            part = part[: len(array) - filled[k]]
            array[filled[k] : filled[k] + len(part)] = part
            filled[k] += len(part)


class RamBatches:
    """The endless sequence of batches.

    Args:
        pairs: what they are made of.
        size: pairs in a batch.
        seed: of the order.
        full: whether every batch is full.
    """

    def __init__(self, pairs: Pairs, size: int, seed: int, full: bool):
        self.pairs, self.size, self.full = pairs, size, full
        self._seed = tf.constant(seed, tf.int64)

    @property
    def steps_per_epoch(self) -> int:
        """Batches in which every caption is seen once; on average, where all are full."""
        return max(1, self._pairs // self.size) if self.full else self._steps_before(1)

    def dataset(self, start_step: int) -> tf.data.Dataset:
        """The batches from a step on, without end."""
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
        while self._steps_before(epoch + 1) <= step:  # a few lengths are an epoch behind at most
            epoch += 1
        return epoch

    def _cuts(self, epoch: tf.Tensor) -> tf.Tensor:
        """The batches of an epoch in their order, int64 [steps, 3].

        Each is the number of its length, and its first and last (not included) place in that
        length's walk.
        """
        counts = tf.constant(self.pairs.counts, tf.int64)
        begin, end = epoch * counts, (epoch + 1) * counts
        if self.full:
            begin, end = (place // self.size * self.size for place in (begin, end))
        first = tf.ragged.range(begin, end, self.size, row_splits_dtype=tf.int64)
        group = first.value_rowids()
        last = tf.minimum(first.flat_values + self.size, tf.gather(end, group))
        cuts = tf.stack([group, first.flat_values, last], axis=1)
        return tf.random.experimental.stateless_shuffle(cuts, [self._seed, epoch])

    def _batch(self, cut: tf.Tensor) -> dict[str, tf.Tensor]:
        """The pairs at a cut: `image` uint8 [B, H, W, C], `token_ids` int32 [B, N], `number`."""
        group, first, last = tf.unstack(cut)
        pair = self._pair_at(group, tf.range(first, last))
        words = tf.gather(self.pairs.lengths, group)
        return {
            "image": tf.gather(self.pairs.image, tf.gather(self.pairs.picture, pair)),
            "token_ids": tf.gather(self.pairs.token_ids, pair)[:, :words],
            "number": tf.gather(self.pairs.number, pair),
        }

    def _pair_at(self, group: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
        """Which pairs stand at these places int64 [B] of the walk through a length; int64 [B]."""
        counts = tf.constant(self.pairs.counts, tf.int64)
        count, start = tf.gather(counts, group), tf.gather(tf.cumsum(counts, exclusive=True), group)
        lap, place = place // count, place % count
        group, last, seed = (tf.fill(tf.shape(lap), x) for x in (group, count - 1, self._seed))
        # `tf.random.experimental.index_shuffle` does this with one seed for all places.
        return start + tf.raw_ops.RandomIndexShuffle(
            index=place, seed=tf.stack([seed, group, lap], axis=1), max_index=last, rounds=_ROUNDS
        )
