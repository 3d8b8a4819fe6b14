"""(image, caption) pairs, the examples of training: one for every caption of an image."""

import numpy as np
import tensorflow as tf

from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import CHUNK
from pipelines.data.prepared.tfrecords import parse_batch
from t2i_tf.text.tokenizer import Tokenizer

CHUNK_BYTES = 8 << 20  # pixels parsed at a time, at most


class PairReader:
    """Turns records into pairs, in the graph, many at a time.

    Args:
        folder: Data folder, whose vocabulary gives the ids.
        lengths: Captions to keep.
        first: Index of each record's first caption, int64 [records].
    """

    def __init__(self, folder: DataFolder, lengths: LengthRange, first: np.ndarray):
        self.shape = folder.shape
        self.lengths = lengths
        self.first = first
        self.width = lengths.padded(lengths.longest)  # of token_ids
        # One id more than the longest usable caption shows which captions are too long.
        self.tokenizer = Tokenizer(folder.vocabulary, max(self.width, lengths.longest + 1))
        self.chunk = max(1, min(CHUNK, CHUNK_BYTES // folder.picture_bytes))

    def __call__(self, record: tf.Tensor, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        """The pairs of serialized records string [R] in their order; `record` int64 [R] numbers
        them.

        Returns:
            `image` uint8 [R, H, W, C], and for each of P pairs: `picture`, its index in `image`,
            int64 [P]; `token_ids` int32 [P, width]; `words`, their number, int64 [P]; `number`, the
            index of the caption in its split, int64 [P]; `caption`, `id` and `attributes`, string
            [P].
        """
        parsed = parse_batch(serialized, self.shape)
        caption = parsed["captions"].flat_values
        token_ids = self.tokenizer(caption, pad=True)
        words = tf.math.count_nonzero(token_ids, axis=1)
        kept = tf.where(self.lengths.contains(words))[:, 0]
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
    """The first pair of each picture; every array is [P, ...]."""
    before = tf.concat([[-1], pairs["picture"][:-1]], axis=0)
    first = tf.where(pairs["picture"] != before)[:, 0]
    return {name: tf.gather(part, first) for name, part in pairs.items()}
