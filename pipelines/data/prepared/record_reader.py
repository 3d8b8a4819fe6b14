"""The records of a split, read chunk by chunk; a damaged file is named with the damaged byte."""

from collections.abc import Iterator

import tensorflow as tf

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.tfrecords import check_file, read_records

CHUNK = 1024  # records parsed at a time, at most


def read_split_records(folder: DataFolder, split: str) -> tf.data.Dataset:
    """The serialized records of a split in their order, string [].

    Raises:
        UserError: the folder has no such split.
    """
    return read_records([shard.path for shard in folder.shards(split)])


def read_all(chunks: tf.data.Dataset, folder: DataFolder, split: str) -> Iterator:
    """The elements of a dataset over a split, as NumPy arrays.

    Raises:
        UserError: a shard is damaged.
    """
    try:
        yield from chunks.as_numpy_iterator()
    except tf.errors.OpError:
        refuse_damage(folder, split)
        raise


def refuse_damage(folder: DataFolder, split: str) -> None:
    """Raises UserError, with file and byte, if a shard of the split is damaged."""
    for shard in folder.shards(split):
        check_file(shard.path, shard.examples, folder.shape)
