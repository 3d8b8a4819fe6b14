"""The batches that training and evaluation read from a data folder, as `tf.data.Dataset`s.

A batch is `{"image": uint8 [B, H, W, C], "token_ids": int32 [B, N]}`, ids padded with 0, and the
extra features that were asked for; the model makes floats. Workers of a multi-worker run read the
same global batches and take a share of each (auto-shard policy DATA), so that every replica's
captions have the same N.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import tensorflow as tf

from pipelines.data.batches.caption_pairs import PairReader, first_of_each_picture
from pipelines.data.batches.extra_features import (
    ExtraFeatures,
    check_extra_features,
    with_extra_features,
)
from pipelines.data.batches.free_memory import free_memory
from pipelines.data.batches.in_memory import RamBatches, read_pairs
from pipelines.data.batches.streaming import StreamBatches
from pipelines.data.prepared.caption_lengths import CaptionLengths, LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import read_split_records
from t2i_tf.errors import UsageError, did_you_mean

Mode = Literal["auto", "ram", "stream"]
MODES = ("auto", "ram", "stream")
PER_PICTURE = ("first", "all")
TEXT = ("caption", "id", "attributes")
ID_BYTES = 4


@dataclass(frozen=True)
class BatchPlan:
    """The endless sequence of training batches: batch k is a function of the seed and k alone."""

    mode: str  # "ram" or "stream"
    captions: int  # that are used
    left_out: int  # captions too short or too long
    batches: RamBatches | StreamBatches
    extra_features: ExtraFeatures

    @classmethod
    def of(
        cls,
        folder: DataFolder,
        split: str = "train",
        *,
        batch_size: int,
        seed: int = 0,
        min_words: int = 1,
        max_words: int = 29,
        length_multiple: int = 1,
        mode: Mode = "auto",
        drop_remainder: bool = True,
        limit: int | None = None,
        extra_features: ExtraFeatures = {},  # noqa: B006, never changed
    ) -> "BatchPlan":
        """Reads the captions of a split and, in `ram` mode, its pictures.

        Args:
            batch_size: captions in a batch, over all replicas.
            min_words, max_words: other captions are left out, and said to be.
            length_multiple: captions are padded to a multiple of this, so that XLA compiles fewer
                programs; with 1, nothing is padded in `ram` mode, and next to nothing in `stream`.
            mode: `ram` keeps all pictures in memory, `stream` reads them anew each epoch, `auto` is
                `ram` where they take at most half of the free memory.
            drop_remainder: every batch is full; else an epoch has every caption exactly once, and
                some batches are smaller.
            limit: use the first so many captions alone, from memory.
            extra_features: precomputed features by name, with a row for each caption of the split.

        Raises:
            UsageError: for an option that cannot be.
            UserError: where there is no such split, no caption of these lengths, or a damaged file.
        """
        _check_choice("mode", mode, MODES)
        _check_positive(batch_size=batch_size, limit=limit)
        if limit and mode == "stream":
            raise UsageError("Expected mode ram or auto with a limit, got stream.")
        lengths = LengthRange(min_words, max_words, length_multiple)
        found = CaptionLengths.of(folder, split)
        kept = found.kept(lengths, f"{folder.path}, split {split!r}")
        left_out = len(kept) - np.count_nonzero(kept)
        if left_out:
            print(
                f"{split}: {left_out:,} of {len(kept):,} captions are left out: they do not have"
                f" {min_words} to {max_words} words."
            )
        # Rows of ids need not be wider than the longest caption that is there.
        lengths = replace(lengths, longest=int(found.words[kept].max()))
        reader = PairReader(folder, lengths, found.first)
        check_extra_features(extra_features, len(found.words), f"{folder.path}, split {split!r}")
        picture = found.picture[kept][:limit]
        if mode == "ram" or (mode == "auto" and (limit or _fits(folder, picture, reader.width))):
            pairs = read_pairs(folder, split, reader, picture)
            batches = RamBatches(pairs, batch_size, seed, drop_remainder)
            return cls("ram", len(picture), left_out, batches, extra_features)
        batches = StreamBatches(
            folder, split, reader, len(picture), batch_size, seed, drop_remainder
        )
        return cls("stream", len(picture), left_out, batches, extra_features)

    @property
    def steps_per_epoch(self) -> int:
        """Batches in which every caption is seen once."""
        return self.batches.steps_per_epoch

    def dataset(self, start_step: int = 0, steps: int | None = None) -> tf.data.Dataset:
        """The batches from `start_step` on: as many as `steps`, or without end."""
        with tf.device("CPU"):  # where a dataset's own functions run
            dataset = self.batches.dataset(start_step)
            dataset = with_extra_features(dataset, self.extra_features)
        return _ready(dataset if steps is None else dataset.take(steps))


def training_dataset(
    folder: DataFolder,
    split: str = "train",
    *,
    batch_size: int,
    start_step: int = 0,
    steps: int | None = None,
    **options,
) -> tf.data.Dataset:
    """Training batches from `start_step` on; for the options see `BatchPlan.of`."""
    return BatchPlan.of(folder, split, batch_size=batch_size, **options).dataset(start_step, steps)


def evaluation_dataset(
    folder: DataFolder,
    split: str = "test",
    *,
    batch_size: int,
    captions_per_picture: Literal["first", "all"] = "first",
    min_words: int = 1,
    max_words: int = 29,
    length_multiple: int = 1,
    limit: int | None = None,
    with_captions: bool = False,
    extra_features: ExtraFeatures = {},  # noqa: B006, never changed
) -> tf.data.Dataset:
    """A split in the order of its records, once; the last batch may be smaller.

    Args:
        captions_per_picture: `first` takes the first caption in the range, `all` every one in it.
        min_words, max_words, length_multiple: as for training.
        limit: end after so many captions.
        with_captions: batches also have `caption`, `id` and `attributes` (JSON), string [B].
        extra_features: as for training.

    Raises:
        UsageError: for an option that cannot be.
        UserError: where there is no such split, no caption of these lengths, or a damaged file.
    """
    _check_choice("captions_per_picture", captions_per_picture, PER_PICTURE)
    _check_positive(batch_size=batch_size, limit=limit)
    lengths = LengthRange(min_words, max_words, length_multiple)
    found = CaptionLengths.of(folder, split)
    picture = found.picture[found.kept(lengths, f"{folder.path}, split {split!r}")]
    first = captions_per_picture == "first"
    count = min(len(np.unique(picture) if first else picture), limit or len(picture))
    check_extra_features(extra_features, len(found.words), f"{folder.path}, split {split!r}")
    reader = PairReader(folder, lengths, found.first)
    names = ("image", "token_ids", "words", "number", *(TEXT if with_captions else ()))

    def parse(record, serialized):
        pairs = reader(record, serialized)
        pairs["image"] = tf.gather(pairs["image"], pairs["picture"])
        pairs = first_of_each_picture(pairs) if first else pairs
        return {name: pairs[name] for name in names}

    def finish(number, pairs):
        pairs = {name: part[: count - number * batch_size] for name, part in pairs.items()}
        words = lengths.padded(tf.reduce_max(pairs.pop("words")))
        return pairs | {"token_ids": pairs["token_ids"][:, :words]}

    records = read_split_records(folder, split)
    pairs = records.enumerate().batch(reader.chunk).map(parse, tf.data.AUTOTUNE, deterministic=True)
    steps = -(-count // batch_size)
    batches = pairs.rebatch(batch_size).take(steps).enumerate().map(finish)
    batches = with_extra_features(batches, extra_features)
    return _ready(batches.apply(tf.data.experimental.assert_cardinality(steps)))


def _fits(folder: DataFolder, picture: np.ndarray, width: int) -> bool:
    """Whether the pairs of these pictures, int64 [pairs], take at most half of the free memory."""
    needed = folder.picture_bytes * (picture[-1] + 1) + ID_BYTES * width * len(picture)
    return needed <= free_memory() / 2


def _ready(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset with its options, made ahead of the model that reads it."""
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)


def _check_choice(option: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        raise UsageError(f"Unknown {option} {given!r}. {did_you_mean(given, choices)}")


def _check_positive(**options: int | None) -> None:
    for option, given in options.items():
        if given is not None and given < 1:
            raise UsageError(f"{option}: expected at least 1, got {given}.")
