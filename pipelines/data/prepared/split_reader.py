"""The pictures of a split in memory, with what is told of them."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipelines.data.batches.caption_pairs import CHUNK, read_all
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.tfrecords import parse_batch, read_records
from t2i_tf.errors import UserError


class SplitPictures(NamedTuple):
    """Pictures in the order of their records."""

    images: np.ndarray  # uint8 [n, H, W, C]
    captions: list[list[str]]  # one to five of each
    attributes: list[bytes]  # JSON of each


def read_pictures(folder: DataFolder, split: str, limit: int | None = None) -> SplitPictures:
    """The first `limit` pictures of a split, or all of them.

    Raises:
        UserError: no such split, none in it, or a damaged file.
    """
    records = read_records([shard.path for shard in folder.shards(split)]).take(limit or -1)

    def parse(serialized):
        batch = parse_batch(serialized, folder.shape)
        captions = batch["captions"]
        return batch["image"], captions.flat_values, captions.row_lengths(), batch["attributes"]

    chunks = records.batch(CHUNK).map(parse, tf.data.AUTOTUNE, deterministic=True)
    parts = list(zip(*read_all(chunks, folder, split), strict=True))
    if not parts:
        raise UserError(f"{folder.path}, split {split!r}: expected pictures, found none.")
    images, captions, lengths, attributes = map(np.concatenate, parts)
    of_each = np.split(captions, np.cumsum(lengths)[:-1])
    return SplitPictures(
        images, [[caption.decode() for caption in few] for few in of_each], attributes.tolist()
    )
