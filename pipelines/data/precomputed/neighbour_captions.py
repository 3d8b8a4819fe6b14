"""Each caption's neighbour: the next caption of the same picture."""

import numpy as np

from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.split_reader import SplitCaptions
from t2i_tf.text.tokenizer import Tokenizer
from t2i_tf.text.vocabulary import Vocabulary


def neighbour_ids(
    captions: SplitCaptions, vocabulary: Vocabulary, lengths: LengthRange
) -> np.ndarray:
    """The ids of every caption's neighbour, int32 [captions, N], padded with 0.

    The neighbour of a picture's last caption is its first, and a picture's only caption is its own
    neighbour. Captions outside the length range are not neighbours of others.

    Raises:
        UserError: no caption has a length in the range.
    """
    usable = captions.in_range(lengths)
    width = lengths.padded(lengths.longest)
    tokenizer = Tokenizer(vocabulary, max(width, int(captions.words.max())))
    token_ids = tokenizer(captions.text, pad=True).numpy()[:, :width]
    return token_ids[next_of_picture(captions.picture, usable)]


def next_of_picture(picture: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The index of each caption's neighbour among the kept captions; its own if it is not kept.

    Args:
        picture: Index of each caption's picture, int64 [captions], ascending.
        kept: Which captions are kept, bool [captions].
    """
    numbers = np.flatnonzero(kept)
    pictures = picture[numbers]
    first = np.searchsorted(pictures, pictures)  # where the captions of its picture begin
    following = np.arange(1, len(numbers) + 1)
    last = np.append(pictures[1:] != pictures[:-1], True)
    neighbours = np.arange(len(picture))
    neighbours[numbers] = numbers[np.where(last, first, following % len(numbers))]
    return neighbours
