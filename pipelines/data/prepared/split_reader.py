"""The captions, images and attributes of a split in memory, in the order of its records."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import CHUNK, read_all, read_split_records
from pipelines.data.prepared.tfrecords import parse_batch, parse_captions
from t2i_tf.errors import UserError
from t2i_tf.text.tokenizer import split_words


def read_captions(folder: DataFolder, split: str) -> np.ndarray:
    """Every caption of a split, bytes [captions].

    Raises:
        UserError: there is no such split, or a file is damaged.
    """
    records = read_split_records(folder, split).batch(CHUNK)
    captions = records.map(lambda batch: parse_captions(batch).flat_values, tf.data.AUTOTUNE)
    return np.concatenate([np.empty(0, object), *read_all(captions, folder, split)])


class SplitImages(NamedTuple):
    """Images in the order of their records, each with all of its captions."""

    images: np.ndarray  # uint8 [n, H, W, C]
    captions: list[list[str]]  # one to five for each image
    attributes: list[bytes]  # JSON of each image


def read_images(folder: DataFolder, split: str, limit: int | None = None) -> SplitImages:
    """The first `limit` images of a split, or all of them.

    Raises:
        UserError: there is no such split, it is empty, or a file is damaged.
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
    images, captions, lengths, attributes = map(np.concatenate, parts)
    per_image = np.split(captions, np.cumsum(lengths)[:-1])
    return SplitImages(
        images, [[caption.decode() for caption in few] for few in per_image], attributes.tolist()
    )


class CaptionedImages(NamedTuple):
    """Images with one caption each: what a system is measured on."""

    images: np.ndarray  # uint8 [n, H, W, C]
    captions: list[str]
    attributes: list[bytes]  # JSON of each image

    def first(self, count: int) -> "CaptionedImages":
        """The first `count` of them."""
        return CaptionedImages(*(part[:count] for part in self))

    def followed_by(self, others: "CaptionedImages") -> "CaptionedImages":
        """These, then the others."""
        return CaptionedImages(
            np.concatenate([self.images, others.images]),
            self.captions + others.captions,
            self.attributes + others.attributes,
        )


def read_captioned_images(
    folder: DataFolder, split: str, count: int, lengths: LengthRange
) -> CaptionedImages:
    """The first `count` images of a split, without those that have no caption of a usable length.

    Captions take turns: image k of the split gets the k-th of its usable captions, modulo their
    number.

    Raises:
        UserError: there is no such split, nothing in it is usable, or a file is damaged.
    """
    found = read_images(folder, split, count)
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
    return CaptionedImages(
        found.images[kept],
        [caption_in_turn(usable[k], k) for k in kept],
        [found.attributes[k] for k in kept],
    )


def caption_in_turn(captions: Sequence[str], k: int) -> str:
    """The caption that image k of a split gets: captions take turns."""
    return captions[k % len(captions)]
