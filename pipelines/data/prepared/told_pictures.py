"""Pictures of a split with one caption each: what a system is measured on."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipelines.data.batches.caption_pairs import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_pictures
from t2i_tf.errors import UserError
from t2i_tf.text.tokenizer import split_words


class ToldPictures(NamedTuple):
    """Pictures, and what is told of each."""

    images: np.ndarray  # uint8 [n, H, W, C]
    captions: list[str]
    attributes: list[bytes]  # JSON of each

    def first(self, count: int) -> "ToldPictures":
        """The first `count` of them."""
        return ToldPictures(*(part[:count] for part in self))

    def followed_by(self, others: "ToldPictures") -> "ToldPictures":
        """These, then the others."""
        return ToldPictures(
            np.concatenate([self.images, others.images]),
            self.captions + others.captions,
            self.attributes + others.attributes,
        )


def read_told_pictures(
    folder: DataFolder, split: str, count: int, lengths: LengthRange
) -> ToldPictures:
    """The first `count` pictures of a split that have a caption of a length that the system reads.

    The k-th picture of the split has the k-th of its usable captions, which take turns so.

    Raises:
        UserError: no such split, none in it that is usable, or a damaged file.
    """
    found = read_pictures(folder, split, count)
    usable = [
        [caption for caption in captions if lengths.holds(len(split_words(caption)))]
        for captions in found.captions
    ]
    kept = [k for k, captions in enumerate(usable) if captions]
    if not kept:
        raise UserError(
            f"{folder.path}, split {split!r}: no picture has a caption of {lengths.shortest} to "
            f"{lengths.longest} words, which the system was trained to read."
        )
    return ToldPictures(
        found.images[kept],
        [turn(usable[k], k) for k in kept],
        [found.attributes[k] for k in kept],
    )


def turn(captions: Sequence[str], k: int) -> str:
    """The caption whose turn it is at picture k."""
    return captions[k % len(captions)]
