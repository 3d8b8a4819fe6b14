"""The batches that training and evaluation read from a data folder, as `tf.data.Dataset`s.

A batch is `{"image": uint8 [B, H, W, C], "token_ids": int32 [B, N]}`, ids padded with 0, together
with the extra features that were asked for; the model converts pixels to floats. The workers of a
multi-worker run make the same batches and each take a part of them (`replica_shares.py`); nothing
shards them automatically.
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
from pipelines.data.batches.horizontal_flip import HorizontalFlip
from pipelines.data.batches.in_memory import RamBatches, read_pairs
from pipelines.data.batches.streaming import StreamBatches
from pipelines.data.batches.word_dropout import WordDropout
from pipelines.data.prepared.caption_lengths import DEFAULT_LENGTHS, LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import read_split_records
from pipelines.data.prepared.split_reader import SplitCaptions, read_captions
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
    captions: int  # in use
    left_out: int  # captions that are too short or too long
    batches: RamBatches | StreamBatches
    extra_features: ExtraFeatures
    augmentations: tuple[HorizontalFlip | WordDropout, ...]  # in their order

    @classmethod
    def of(
        cls,
        folder: DataFolder,
        split: str = "train",
        *,
        batch_size: int,
        seed: int = 0,
        lengths: LengthRange = DEFAULT_LENGTHS,
        mode: Mode = "auto",
        drop_remainder: bool = True,
        limit: int | None = None,
        horizontal_flip: bool = False,
        word_dropout: float = 0.0,
        captions: SplitCaptions | None = None,
        extra_features: ExtraFeatures = {},  # noqa: B006, never changed
    ) -> "BatchPlan":
        """Plans the batches of a split; in `ram` mode, also reads its images.

        Args:
            batch_size: Captions in a batch, over all replicas.
            seed: Seed of the order.
            lengths: Captions to use; the number of the others is printed. They are padded to its
                multiple, so that XLA compiles fewer programs; with a multiple of 1, nothing is
                padded in `ram` mode and next to nothing in `stream` mode.
            mode: `ram` keeps all images in memory, `stream` reads them again in each epoch, `auto`
                is `ram` if they take at most half of the free memory.
            drop_remainder: Whether every batch is full; otherwise each epoch has every caption
                exactly once, and some of its batches are smaller.
            limit: Use only this many captions, the first ones; they are kept in memory.
            horizontal_flip: Whether pictures are flipped at random, see `HorizontalFlip`.
            word_dropout: Share of the words that are read as unknown, see `WordDropout`.
            captions: The captions of the split; read from its files if None.
            extra_features: Precomputed features by name, with a row for each caption of the split.

        Raises:
            UsageError: an option has an impossible value.
            UserError: there is no such split, no caption has a usable length, or a file is damaged.
        """
        _check_training_options(mode, batch_size, limit)
        captions = captions or read_captions(folder, split)
        usable = captions.in_range(lengths)
        left_out = _report_left_out(split, usable, lengths)
        check_extra_features(extra_features, len(usable), captions.where)
        # Rows of ids need not be wider than the longest caption in use.
        lengths = replace(lengths, longest=int(captions.words[usable].max()))
        reader = PairReader(folder, lengths, captions.first)
        picture = captions.picture[usable][:limit]
        if mode == "auto":
            mode = "ram" if limit or _fits(folder, picture, reader.width) else "stream"
        if mode == "ram":
            pairs = read_pairs(folder, split, reader, picture)
            batches = RamBatches(pairs, batch_size, seed, drop_remainder)
        else:
            batches = StreamBatches(
                folder, split, reader, len(picture), batch_size, seed, drop_remainder
            )
        # Flips come first: they look for words such as "left".
        flips = (HorizontalFlip(folder.vocabulary, seed),) if horizontal_flip else ()
        drops = (WordDropout(word_dropout, seed),) if word_dropout else ()
        return cls(mode, len(picture), left_out, batches, extra_features, flips + drops)

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches that show every caption once."""
        return self.batches.steps_per_epoch

    def dataset(self, start_step: int = 0, steps: int | None = None) -> tf.data.Dataset:
        """The batches from `start_step` on: `steps` of them, or without end."""
        with tf.device("CPU"):  # where a dataset's own functions run
            dataset = self.batches.dataset(start_step)
            dataset = with_extra_features(dataset, self.extra_features)
            for augment in self.augmentations:
                dataset = augment(dataset, start_step)
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
    lengths: LengthRange = DEFAULT_LENGTHS,
    limit: int | None = None,
    with_captions: bool = False,
    captions: SplitCaptions | None = None,
    extra_features: ExtraFeatures = {},  # noqa: B006, never changed
) -> tf.data.Dataset:
    """A split once, in the order of its records; the last batch may be smaller.

    Args:
        batch_size: Captions in a batch.
        captions_per_picture: `first` takes the first usable caption, `all` every usable one.
        lengths: Captions to use, and their padding.
        limit: End after this many captions.
        with_captions: Whether batches also have `caption`, `id` and `attributes` (JSON), string
            [B].
        captions: The captions of the split; read from its files if None.
        extra_features: Precomputed features by name, with a row for each caption of the split.

    Raises:
        UsageError: an option has an impossible value.
        UserError: there is no such split, no caption has a usable length, or a file is damaged.
    """
    _check_choice("captions_per_picture", captions_per_picture, PER_PICTURE)
    _check_positive(batch_size=batch_size, limit=limit)
    captions = captions or read_captions(folder, split)
    usable = captions.in_range(lengths)
    check_extra_features(extra_features, len(usable), captions.where)
    picture = captions.picture[usable]
    first_only = captions_per_picture == "first"
    count = len(np.unique(picture)) if first_only else len(picture)
    count = min(count, limit or count)
    reader = PairReader(folder, lengths, captions.first)
    pairs = _pairs_in_order(folder, split, reader, first_only, TEXT if with_captions else ())
    batches = with_extra_features(_cut(pairs, batch_size, count, lengths), extra_features)
    return _ready(batches)


def _pairs_in_order(
    folder: DataFolder, split: str, reader: PairReader, first_only: bool, text: tuple[str, ...]
) -> tf.data.Dataset:
    """Chunks of the pairs of a split, in the order of its records; `text` names extra strings."""
    names = ("image", "token_ids", "words", "number", *text)

    def parse(record, serialized):
        pairs = reader(record, serialized)
        pairs["image"] = tf.gather(pairs["image"], pairs["picture"])
        pairs = first_of_each_picture(pairs) if first_only else pairs
        return {name: pairs[name] for name in names}

    records = read_split_records(folder, split).enumerate().batch(reader.chunk)
    return records.map(parse, tf.data.AUTOTUNE, deterministic=True)


def _cut(
    pairs: tf.data.Dataset, batch_size: int, count: int, lengths: LengthRange
) -> tf.data.Dataset:
    """Batches of the first `count` pairs, each as wide as its longest caption needs."""
    steps = -(-count // batch_size)

    def finish(number, batch):
        batch = {name: part[: count - number * batch_size] for name, part in batch.items()}
        width = lengths.padded(tf.reduce_max(batch.pop("words")))
        return batch | {"token_ids": batch["token_ids"][:, :width]}

    batches = pairs.rebatch(batch_size).take(steps).enumerate().map(finish)
    return batches.apply(tf.data.experimental.assert_cardinality(steps))


def _report_left_out(split: str, usable: np.ndarray, lengths: LengthRange) -> int:
    """Prints how many captions are not usable, if any, and returns the number."""
    left_out = len(usable) - np.count_nonzero(usable)
    if left_out:
        print(
            f"{split}: {left_out:,} of {len(usable):,} captions are left out: they do not have"
            f" {lengths.shortest} to {lengths.longest} words."
        )
    return left_out


def _fits(folder: DataFolder, picture: np.ndarray, width: int) -> bool:
    """Whether the pairs of these pictures, int64 [pairs], take at most half of the free memory."""
    needed = folder.picture_bytes * (picture[-1] + 1) + ID_BYTES * width * len(picture)
    return needed <= free_memory() / 2


def _ready(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset with its options and with prefetching."""
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)


def _check_training_options(mode: str, batch_size: int, limit: int | None) -> None:
    _check_choice("mode", mode, MODES)
    _check_positive(batch_size=batch_size, limit=limit)
    if limit and mode == "stream":
        raise UsageError("Expected mode ram or auto with a limit, got stream.")


def _check_choice(option: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        raise UsageError(f"Unknown {option} {given!r}. {did_you_mean(given, choices)}")


def _check_positive(**options: int | None) -> None:
    for option, given in options.items():
        if given is not None and given < 1:
            raise UsageError(f"{option}: expected at least 1, got {given}.")
