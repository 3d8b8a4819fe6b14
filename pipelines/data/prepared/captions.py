"""The captions of a split, in the order of its records."""

import numpy as np
import tensorflow as tf

from pipelines.data.batches.caption_pairs import CHUNK, read_all
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.tfrecords import parse_captions, read_records


def read_captions(folder: DataFolder, split: str) -> np.ndarray:
    """All captions, bytes [captions].

    Raises:
        UserError: no such split, or a damaged file.
    """
    records = read_records([shard.path for shard in folder.shards(split)]).batch(CHUNK)
    captions = records.map(lambda batch: parse_captions(batch).flat_values, tf.data.AUTOTUNE)
    return np.concatenate([np.empty(0, object), *read_all(captions, folder, split)])
