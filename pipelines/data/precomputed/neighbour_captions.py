"""Each caption's neighbour: the next caption of the same picture."""

import numpy as np

from pipelines.data.prepared.caption_lengths import CaptionLengths, LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_captions
from t2i_tf.text.tokenizer import Tokenizer


def neighbour_ids(folder: DataFolder, split: str, lengths: LengthRange) -> np.ndarray:
    """The ids of every caption's neighbour, int32 [captions, N], padded with 0.

    The neighbour of a picture's last caption is its first; a caption that is alone is its own.
    Captions out of the range are nobody's neighbour.
    """
    found = CaptionLengths.of(folder, split)
    kept = found.kept(lengths, f"{folder.path}, split {split!r}")
    width = lengths.padded(lengths.longest)
    tokenizer = Tokenizer(folder.vocabulary, max(width, int(found.words.max())))
    token_ids = tokenizer(read_captions(folder, split), pad=True).numpy()[:, :width]
    return token_ids[next_of_picture(found.picture, kept)]


def next_of_picture(picture: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The number of each caption's neighbour among those kept; its own where it is not kept.

    Args:
        picture: of each caption, int64 [captions], ascending.
        kept: bool [captions].
    """
    numbers = np.flatnonzero(kept)
    pictures = picture[numbers]
    first = np.searchsorted(pictures, pictures)  # where the captions of its picture begin
    following = np.arange(1, len(numbers) + 1)
    last = np.append(pictures[1:] != pictures[:-1], True)
    neighbours = np.arange(len(picture))
    neighbours[numbers] = numbers[np.where(last, first, following % len(numbers))]
    return neighbours
