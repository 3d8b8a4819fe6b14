"""What a run reads: batches to train on, batches to validate on, and examples to look at."""

import dataclasses
from typing import NamedTuple

import tensorflow as tf

from pipelines.data.batches.batch_plan import BatchPlan, Mode, evaluation_dataset
from pipelines.data.precomputed.feature_sources import FeatureSources
from pipelines.data.prepared.split_reader import CaptionReader
from t2i_tf.config import TrainConfig
from t2i_tf.errors import UserError

PREVIEWED = 8  # captions of the validation split that TensorBoard shows


class RunBatches(NamedTuple):
    """The batches of a run."""

    training: BatchPlan
    validation: tf.data.Dataset
    validation_size: int  # examples in a batch of the validation
    preview: dict[str, tf.Tensor]  # one batch of the first validation captions


def open_batches(
    config: TrainConfig,
    captions: CaptionReader,
    sources: FeatureSources,
    feature_keys: tuple[str, ...],
    *,
    mode: Mode = "auto",
    overfit: int | None = None,
) -> RunBatches:
    """The batches of a run. Each split's captions are read from its files once.

    Args:
        config: Config of the run.
        captions: Captions of its data folder.
        sources: Sources of the extra features.
        feature_keys: Features that the model reads.
        mode, overfit: See `train`.

    Raises:
        UserError: a split is missing, has no usable captions, or is damaged.
    """
    folder, lengths = captions.folder, sources.lengths
    if "train" in folder.manifest.splits and "val" not in folder.manifest.splits:
        raise UserError(
            f"{folder.path} has no split `val`, by which a training is validated. Prepare the data"
            " into a new folder with some pictures in `val`."
        )
    training = BatchPlan.of(
        folder,
        "train",
        batch_size=config.batch_size,
        seed=config.seed,
        lengths=lengths,
        mode=mode,
        limit=overfit,
        horizontal_flip=config.horizontal_flip,
        word_dropout=config.word_dropout,
        captions=captions.read("train"),
        extra_features=sources.features(feature_keys, "train"),
    )
    in_validation = {
        "lengths": dataclasses.replace(lengths, shortest=1),
        "captions": captions.read("val"),
        "extra_features": sources.features(feature_keys, "val"),
    }
    limit = _whole_batches(config, folder.split("val").examples)
    validation = evaluation_dataset(
        folder, "val", batch_size=config.batch_size, limit=limit, **in_validation
    )
    previewed = evaluation_dataset(
        folder, "val", batch_size=PREVIEWED, limit=PREVIEWED, **in_validation
    )
    size = min(config.batch_size, limit)
    return RunBatches(training, validation, size, next(iter(previewed)))


def _whole_batches(config: TrainConfig, pictures: int) -> int:
    """Pictures to validate on: a smaller last batch would cost XLA another program."""
    pictures = min(pictures, config.validation_pictures)
    return pictures // config.batch_size * config.batch_size or pictures
