"""Batches from disk, for images that do not fit into memory.

    shards in the epoch's order, several read at a time -> chunks of records, parsed at once
      -> shuffled pools of pairs -> sorted by length and cut into batches -> shuffled batches

All randomness is a function of (seed, epoch, pool), so that skipping batches reproduces any step.
An epoch has every caption once; if all batches must be full, the few pairs that remain at its end
are left out, different ones each time.
"""

import sys

import numpy as np
import tensorflow as tf

from pipelines.data.batches.caption_pairs import PairReader
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.tfrecords import READ_AHEAD
from t2i_tf.errors import UserError

POOL = 16384  # pairs in a pool, at most
POOL_BYTES = 64 << 20  # pixels in a pool, at most
OPEN_SHARDS = 8  # read at a time
BLOCK = 16  # records taken from one shard before the next


class StreamBatches:
    """The endless sequence of batches.

    Args:
        folder, split: Data folder and split to read.
        reader: Turns records into pairs.
        pairs: Number of pairs in the split.
        size: Pairs in a batch.
        seed: Seed of the order.
        full: Whether every batch is full.

    Raises:
        UserError: the split has too few pairs for one full batch.
    """

    def __init__(
        self,
        folder: DataFolder,
        split: str,
        reader: PairReader,
        pairs: int,
        size: int,
        seed: int,
        full: bool,
    ):
        shards = folder.shards(split)
        self.files = [str(shard.path) for shard in shards]
        sizes = np.array([shard.examples for shard in shards])
        self.first_records = np.cumsum(sizes) - sizes  # index of each file's first record
        self.reader, self.size, self.seed, self.full = reader, size, seed, full
        self.steps_per_epoch = pairs // size if full else -(-pairs // size)
        if not self.steps_per_epoch:
            raise UserError(
                f"A batch has {size} captions, but the split only {pairs}: make batches smaller."
            )
        pool = min(POOL, POOL_BYTES // folder.picture_bytes)
        self.batches_per_pool = max(1, pool // size)

    def dataset(self, start_step: int) -> tf.data.Dataset:
        """The endless batches from `start_step` on."""
        epoch, step = divmod(start_step, self.steps_per_epoch)
        pool, step = divmod(step, self.batches_per_pool)
        epochs = tf.data.Dataset.range(epoch, sys.maxsize)
        batches = epochs.flat_map(lambda e: self._epoch(e, pool * tf.cast(e == epoch, tf.int64)))
        return batches.skip(step)

    def _epoch(self, epoch: tf.Tensor, first_pool: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(
            tf.range(len(self.files)), [self.seed, epoch]
        )
        files = tf.gather(self.files, order), tf.gather(self.first_records, order)
        records = tf.data.Dataset.from_tensor_slices(files).interleave(
            lambda file, first: tf.data.TFRecordDataset(file, buffer_size=READ_AHEAD).enumerate(
                first
            ),
            cycle_length=OPEN_SHARDS,
            block_length=BLOCK,
        )
        pairs = records.batch(self.reader.chunk).map(
            self._parse, tf.data.AUTOTUNE, deterministic=True
        )
        pools = pairs.rebatch(self.batches_per_pool * self.size).skip(first_pool)
        return pools.enumerate(first_pool).flat_map(
            lambda number, pool: self._batches(pool, tf.stack([epoch, number]))
        )

    def _parse(self, record: tf.Tensor, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        pairs = self.reader(record, serialized)
        image = tf.gather(pairs["image"], pairs["picture"])
        return {"image": image} | {name: pairs[name] for name in ("token_ids", "words", "number")}

    def _batches(self, pool: dict[str, tf.Tensor], number: tf.Tensor) -> tf.data.Dataset:
        """The batches of a pool; `number` int64 [2] is (epoch, pool)."""
        firsts, order = self._deal(pool["words"], number)

        def batch(first: tf.Tensor) -> dict[str, tf.Tensor]:
            pair = order[first : first + self.size]
            words = self.reader.lengths.padded(tf.reduce_max(tf.gather(pool["words"], pair)))
            return {
                "image": tf.gather(pool["image"], pair),
                "token_ids": tf.gather(pool["token_ids"], pair)[:, :words],
                "number": tf.gather(pool["number"], pair),
            }

        return tf.data.Dataset.from_tensor_slices(firsts).map(batch)

    def _deal(self, words: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The first position of each batch, shuffled, and the order of the pairs, by length."""
        epoch, pool = tf.unstack(number)
        seeds = [tf.random.fold_in([self.seed, epoch], 2 * pool + k) for k in (0, 1)]
        order = tf.random.experimental.stateless_shuffle(tf.range(tf.size(words)), seeds[0])
        if self.full:  # takes effect in the last pool of an epoch, the only one with a remainder
            order = order[: tf.size(order) // self.size * self.size]
        order = tf.gather(order, tf.argsort(tf.gather(words, order), stable=True))
        firsts = tf.range(0, tf.size(order), self.size)
        return tf.random.experimental.stateless_shuffle(firsts, seeds[1]), order
