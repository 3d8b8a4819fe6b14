"""`model.fit` and what surrounds it: one call trains, or goes on with, a run in its work folder."""

import contextlib
import dataclasses
from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow as tf

from pipelines.data.batches.batch_plan import BatchPlan, evaluation_dataset
from pipelines.data.precomputed.feature_sources import FeatureSources
from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.training.checkpointing import Checkpointer, Interrupted
from pipelines.training.devices import strategy
from pipelines.training.history import History
from pipelines.training.pacing import Clock, Pace
from pipelines.training.progress import Bar
from pipelines.training.schedule import Budget
from pipelines.training.tensorboard import TensorBoard
from pipelines.training.workdir import open_workdir
from t2i_tf.checkpoints import CheckpointFolder
from t2i_tf.config import TrainConfig
from t2i_tf.models import build_model
from t2i_tf.optimizers import build_optimizer

_ENDLESS = 2**62  # steps, where the clock ends the training


class Outcome(NamedTuple):
    """How a call of `train` ended."""

    step: int
    seconds: float  # of training, in all sittings
    loss: float  # the lowest validation loss, nats; infinite where the model has none
    interrupted: bool


def train(
    config: TrainConfig,
    data: Path,
    workdir: Path,
    *,
    mode: str = "auto",
    overfit: int | None = None,
    checkpoint_seconds: float = 120.0,
    sentences: Path | None = None,
    reconstructions: Path | None = None,
) -> Outcome:
    """Train in `workdir` until the config's budget is spent.

    The same call on a begun folder resumes at the exact step: weights, optimizer, learning rate,
    data order, noise and running means.

    Args:
        config: sizes of pictures and vocabulary in it are replaced by those of the data.
        data: a data folder, made by `prepare`.
        workdir: a new folder, or that of the run to go on with.
        mode: how records are read: "ram", "stream", or "auto".
        overfit: train on the first so many captions alone.
        checkpoint_seconds: the longest time that a crash can cost.
        sentences: the sentence encoder of a system that reads sentence vectors, see `open_encoder`.
        reconstructions: the work folder whose model makes the sharpener's blurry pictures.

    Raises:
        UserError: data or work folder are not usable, or the loss became no number.
    """
    folder = DataFolder.open(data)
    workdir = Path(workdir)
    lengths = LengthRange(config.min_words, config.max_words, config.length_multiple)
    sources = FeatureSources(folder, workdir, lengths, sentences, reconstructions)
    config = fit_to_data(config, folder, sources)
    open_workdir(workdir, config, folder, sources)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    with strategy().scope():
        model = build_model(config.model, seed=config.seed, mixed_precision=config.mixed_precision)
        model.compile(build_optimizer(config.optimizer), jit_compile=config.xla)
    plan = BatchPlan.of(
        folder,
        "train",
        batch_size=config.batch_size,
        seed=config.seed,
        min_words=config.min_words,
        max_words=config.max_words,
        length_multiple=config.length_multiple,
        mode=mode,
        limit=overfit,
        extra_features=sources.features(model.feature_keys, "train"),
    )
    budget = Budget.of(config, plan.steps_per_epoch)
    interval = config.report_every or plan.steps_per_epoch
    clock = Clock()
    checkpointer = Checkpointer(
        CheckpointFolder(workdir / "checkpoints"), clock, interval, checkpoint_seconds
    )
    pace = Pace(config.optimizer, budget, clock)
    checkpointer.set_model(model)
    extra_features = sources.features(model.feature_keys, "val")
    validation = evaluation_dataset(
        folder,
        "val",
        batch_size=config.batch_size,
        max_words=config.max_words,
        length_multiple=config.length_multiple,
        limit=_whole_batches(config, folder.split("val").examples),
        extra_features=extra_features,
    )
    bar = Bar(pace, clock)
    callbacks = [
        pace,
        TensorBoard(workdir, folder, config, clock, extra_features),
        *([keras.callbacks.SwapEMAWeights()] if config.optimizer.ema > 0 else []),
        History(workdir / "history.csv", clock),  # first: what a kill in between leaves is redone
        checkpointer,
        bar,
    ]
    # Each round goes from a checkpoint to the end of its interval, or over all whole intervals that
    # remain. `fit` leaves averaged weights behind, so every round begins from the checkpoint.
    with checkpointer, bar, contextlib.suppress(Interrupted):
        while True:
            if not checkpointer.restore():
                clock.restart(0.0)  # what came before is no training
            step = int(model.optimizer.iterations)
            if budget.progress(step, clock.elapsed) >= 1.0:
                break
            steps, epochs = _round(step, interval, budget.steps)
            model.fit(
                plan.dataset(start_step=step),
                steps_per_epoch=steps,
                initial_epoch=step // interval,
                epochs=step // interval + epochs,
                validation_data=validation,
                callbacks=callbacks,
                shuffle=False,  # the plan has done it
                verbose=0,
            )
    step = int(model.optimizer.iterations)
    return Outcome(step, clock.elapsed, checkpointer.best_loss, checkpointer.interrupted)


def fit_to_data(config: TrainConfig, folder: DataFolder, sources: FeatureSources) -> TrainConfig:
    """The config with the data's picture size and vocabulary, and the encoder's vectors."""
    sizes = {
        "height": folder.height,
        "width": folder.width,
        "channels": folder.channels,
        "vocabulary_size": len(folder.vocabulary),
    }
    known = {field.name for field in dataclasses.fields(config.model)}
    if config.reads_sentences:
        sizes["sentence_units"] = sources.encoder.units
    model = dataclasses.replace(config.model, **{k: v for k, v in sizes.items() if k in known})
    return dataclasses.replace(config, model=model)


def smoke(config: TrainConfig) -> TrainConfig:
    """Two steps of everything."""
    return dataclasses.replace(
        config, steps=2, minutes=None, report_every=1, validation_pictures=config.batch_size
    )


def _whole_batches(config: TrainConfig, pictures: int) -> int:
    """How many pictures to validate on: a last, smaller batch would cost XLA another program."""
    pictures = min(pictures, config.validation_pictures)
    return pictures // config.batch_size * config.batch_size or pictures


def _round(step: int, interval: int, last: int | None) -> tuple[int, int]:
    """Steps an epoch and number of epochs of the next call of `fit`."""
    remaining = _ENDLESS if last is None else last - step
    first = min(interval - step % interval, remaining)
    return (first, 1) if first < interval else (interval, remaining // interval)
