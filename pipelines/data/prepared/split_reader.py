"""The captions, images and attributes of a split in memory, in the order of its records."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import (
    CHUNK,
    read_all,
    read_split_records,
    refuse_damage,
)
from pipelines.data.prepared.tfrecords import parse_batch, parse_captions
from t2i_tf.errors import UserError
from t2i_tf.text.tokenizer import Tokenizer, split_words

_NO_CAPTIONS = (np.zeros(0, object), np.zeros(0, np.int64), np.zeros(0, np.int64))


class SplitCaptions(NamedTuple):
    """Every caption of a split, in the order of its records."""

    text: np.ndarray  # bytes [captions]
    words: np.ndarray  # int64 [captions], the number of words
    picture: np.ndarray  # int64 [captions], the index of the record
    first: np.ndarray  # int64 [records], the index of each record's first caption
    where: str  # data folder and split, for errors

    def in_range(self, lengths: LengthRange) -> np.ndarray:
        """Which captions have a length in the range, bool [captions].

        Raises:
            UserError: none of them has.
        """
        usable = lengths.contains(self.words)
        if not usable.any():
            found = (
                f"captions of {self.words.min()} to {self.words.max()} words"
                if len(self.words)
                else "no captions"
            )
            raise UserError(
                f"{self.where}: no caption has {lengths.shortest} to {lengths.longest} words: there"
                f" are {found}. Change --min-words or --max-words."
            )
        return usable


def read_captions(folder: DataFolder, split: str) -> SplitCaptions:
    """The captions of a split and their lengths, in one pass over its records.

    Raises:
        UserError: the folder has no such split, or a file is damaged; the error names the byte
            where the damage begins.
    """

    tokenizer = Tokenizer(folder.vocabulary, max_words=1)  # counts all words, not only one

    def parse(serialized):
        captions = parse_captions(serialized)
        text = captions.flat_values
        return text, tokenizer.lengths(text), captions.row_lengths()

    records = read_split_records(folder, split).batch(CHUNK)
    chunks = read_all(records.map(parse, tf.data.AUTOTUNE, deterministic=True), folder, split)
    text, words, counts = map(np.concatenate, zip(_NO_CAPTIONS, *chunks, strict=True))
    if len(counts) != folder.split(split).examples:
        refuse_damage(folder, split)
    picture = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return SplitCaptions(text, words, picture, first, f"{folder.path}, split {split!r}")


class CaptionReader:
    """The captions of a data folder; each split is read from its files once and then kept."""

    def __init__(self, folder: DataFolder):
        self.folder = folder
        self._splits: dict[str, SplitCaptions] = {}

    def read(self, split: str) -> SplitCaptions:
        """The captions of a split; for the errors see `read_captions`."""
        if split not in self._splits:
            self._splits[split] = read_captions(self.folder, split)
        return self._splits[split]


class SplitImages(NamedTuple):
    """Images in the order of their records, each with all of its captions."""

    images: np.ndarray  # uint8 [n, H, W, C]
    captions: list[list[str]]  # one to five for each image
    attributes: list[bytes]  # JSON of each image


def read_images(folder: DataFolder, split: str, limit: int | None = None) -> SplitImages:
    """The first `limit` images of a split, or all of them.

    Raises:
        UserError: the folder has no such split, the split is empty, or a file is damaged.
    """
    records = read_split_records(folder, split).take(limit or -1)

    def parse(serialized):
        batch = parse_batch(serialized, folder.shape)
        captions = batch["captions"]
        return batch["image"], captions.flat_values, captions.row_lengths(), batch["attributes"]

    chunks = records.batch(CHUNK).map(parse, tf.data.AUTOTUNE, deterministic=True)
    parts = list(zip(*read_all(chunks, folder, split), strict=True))
    if not parts:
        raise UserError(f"{folder.path}, split {split!r}: expected pictures, found none.")
    images, captions, counts, attributes = map(np.concatenate, parts)
    per_image = np.split(captions, np.cumsum(counts)[:-1])
    return SplitImages(
        images, [[caption.decode() for caption in one] for one in per_image], attributes.tolist()
    )


class CaptionedImages(NamedTuple):
    """Images with one caption each: what a system is measured on."""

    images: np.ndarray  # uint8 [n, H, W, C]
    captions: list[str]
    attributes: list[bytes]  # JSON of each image
    usable: Sequence[list[str]] = ()  # all captions of each image, that of `captions` first

    def first(self, count: int) -> "CaptionedImages":
        """The first `count` of them."""
        return CaptionedImages(*(part[:count] for part in self))

    def followed_by(self, others: "CaptionedImages") -> "CaptionedImages":
        """These, then the others."""
        return CaptionedImages(
            np.concatenate([self.images, others.images]),
            self.captions + others.captions,
            self.attributes + others.attributes,
            [*self.usable, *others.usable],
        )


def read_captioned_images(
    folder: DataFolder, split: str, count: int, lengths: LengthRange
) -> CaptionedImages:
    """The first `count` images of a split, except those without a caption of a usable length.

    Captions take turns: image k of the split gets the k-th of its usable captions, modulo their
    number.

    Raises:
        UserError: the folder has no such split, no image of it is usable, or a file is damaged.
    """
    split_images = read_images(folder, split, count)
    usable = [
        [one for one in captions if lengths.contains(len(split_words(one, folder.vocabulary)))]
        for captions in split_images.captions
    ]
    kept = [k for k, captions in enumerate(usable) if captions]
    if not kept:
        raise UserError(
            f"{folder.path}, split {split!r}: no picture has a caption of {lengths.shortest} to "
            f"{lengths.longest} words, which the system was trained to read."
        )
    return CaptionedImages(
        split_images.images[kept],
        [caption_in_turn(usable[k], k) for k in kept],
        [split_images.attributes[k] for k in kept],
        [_from_turn(usable[k], k) for k in kept],
    )


def caption_in_turn(captions: Sequence[str], k: int) -> str:
    """The caption that image k of a split gets: captions take turns."""
    return captions[k % len(captions)]


def _from_turn(captions: list[str], k: int) -> list[str]:
    """The captions of image k, those before its turn moved to the end."""
    turn = k % len(captions)
    return captions[turn:] + captions[:turn]
