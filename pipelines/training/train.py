"""`model.fit` and what surrounds it: one call trains a run in its work folder, or resumes it."""

import contextlib
import dataclasses
from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow as tf

from pipelines.data.batches.batch_plan import Mode
from pipelines.data.precomputed.feature_sources import FeatureSources
from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import CaptionReader
from pipelines.progress_bar import ProgressBar
from pipelines.training.checkpointing import Checkpointer, Interrupted
from pipelines.training.devices import strategy
from pipelines.training.early_stopping import EarlyStopping
from pipelines.training.history import History
from pipelines.training.pacing import BudgetScheduler, Clock
from pipelines.training.progress import TrainingProgress
from pipelines.training.run_batches import RunBatches, open_batches
from pipelines.training.schedule import Budget
from pipelines.training.tensorboard import TensorBoard
from pipelines.training.workdir import open_workdir
from t2i_tf.checkpoints import CheckpointFolder
from t2i_tf.config import TrainConfig
from t2i_tf.models import TrainableModel, build_model
from t2i_tf.optimizers import build_optimizer
from t2i_tf.text.vocabulary import Vocabulary

_ENDLESS = 2**62  # steps, if the clock ends the training


class Outcome(NamedTuple):
    """How a call of `train` ended."""

    step: int
    seconds: float  # of training, earlier calls included
    loss: float  # the lowest validation loss, nats; infinite if the model has none
    interrupted: bool
    best: int | None = None  # step of the best checkpoint; None if the model has no such loss
    stopped_early: bool = False


def train(
    config: TrainConfig,
    data: Path,
    workdir: Path,
    *,
    mode: Mode = "auto",
    overfit: int | None = None,
    checkpoint_seconds: float = 120.0,
    sentences: Path | None = None,
    reconstructions: Path | None = None,
) -> Outcome:
    """Trains in `workdir` until the config's budget is spent, or its patience.

    The same call on a begun folder resumes at the exact step: weights, optimizer, learning rate,
    data order, noise and running means.

    Args:
        config: Config of the run; its image size and vocabulary size are replaced by the data's.
        data: Data folder, made by `prepare`.
        workdir: New folder, or that of the run to resume.
        mode: How records are read: "ram", "stream" or "auto", see `BatchPlan.of`.
        overfit: Train on only this many captions, the first ones.
        checkpoint_seconds: The longest time that a crash can cost.
        sentences: Sentence encoder of a system that reads sentence vectors, see `open_encoder`.
        reconstructions: Work folder of the model that makes the sharpener's blurry images.

    Raises:
        UserError: data or work folder are not usable, or the loss becomes NaN or infinite.
    """
    folder, workdir = DataFolder.open(data), Path(workdir)
    captions = CaptionReader(folder)
    lengths = LengthRange(config.min_words, config.max_words, config.length_multiple)
    sources = FeatureSources(captions, workdir, lengths, sentences, reconstructions)
    config = fit_to_data(config, folder, sources)
    with open_workdir(workdir, config, folder, sources):
        model = _compiled_model(config)
        batches = open_batches(
            config, captions, sources, model.feature_keys, mode=mode, overfit=overfit
        )
        return _train(model, config, batches, folder.vocabulary, workdir, checkpoint_seconds)


def _train(
    model: TrainableModel,
    config: TrainConfig,
    batches: RunBatches,
    vocabulary: Vocabulary,
    workdir: Path,
    checkpoint_seconds: float,
) -> Outcome:
    """Resumes at the newest checkpoint of a work folder, and trains until the end."""
    budget = Budget.of(config, batches.training.steps_per_epoch)
    interval = config.report_every or batches.training.steps_per_epoch
    clock = Clock()
    scheduler = BudgetScheduler(config.optimizer, budget, clock)
    folder = CheckpointFolder(workdir / "checkpoints")
    checkpointer = Checkpointer(folder, clock, interval, checkpoint_seconds)
    history = History(workdir / "history.csv", clock)
    bar = ProgressBar("training", text="compiling")
    stopping = EarlyStopping(config.patience, interval, folder, history, bar.print)
    callbacks = [
        scheduler,
        TensorBoard(workdir, batches.preview, vocabulary, config.batch_size, clock),
        *([keras.callbacks.SwapEMAWeights()] if config.optimizer.ema > 0 else []),
        # Before the checkpoint: after a kill between the two, the interval is trained again.
        history,
        checkpointer,
        TrainingProgress(bar, scheduler, clock),
        stopping,
    ]
    for callback in (scheduler, checkpointer, stopping):
        callback.set_model(model)
    with checkpointer, bar, contextlib.suppress(Interrupted):
        checkpointer.restore()
        while scheduler.progress < 1.0 and not stopping.is_due:
            _fit_round(model, batches, interval, budget.steps, callbacks)
            checkpointer.restore()  # `fit` leaves averaged weights behind
    step = int(model.optimizer.iterations)
    return Outcome(
        step,
        clock.elapsed,
        checkpointer.best_loss,
        checkpointer.interrupted,
        folder.best(),
        scheduler.progress < 1.0 and stopping.is_due,
    )


def fit_to_data(config: TrainConfig, folder: DataFolder, sources: FeatureSources) -> TrainConfig:
    """The config with the data's image size and vocabulary size, and the encoder's vector size."""
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


def _compiled_model(config: TrainConfig) -> TrainableModel:
    """The model of a config with its optimizer, on all devices."""
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    with strategy().scope():
        model = build_model(config.model, seed=config.seed, mixed_precision=config.mixed_precision)
        model.compile(build_optimizer(config.optimizer), jit_compile=config.xla)
        # Otherwise the first step creates its variables in the graph, and is traced twice.
        model.optimizer.build(model.trainable_variables)
    return model


def _fit_round(
    model: TrainableModel,
    batches: RunBatches,
    interval: int,
    last: int | None,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    """Trains from the model's step to the end of its interval, or over all whole intervals left."""
    step = int(model.optimizer.iterations)
    steps, epochs = _round(step, interval, last)
    model.fit(
        batches.training.dataset(start_step=step),
        steps_per_epoch=steps,
        initial_epoch=step // interval,
        epochs=step // interval + epochs,
        validation_data=batches.validation,
        callbacks=callbacks,
        shuffle=False,  # the plan has shuffled already
        verbose=0,
    )


def _round(step: int, interval: int, last: int | None) -> tuple[int, int]:
    """Steps per epoch and number of epochs of the next call of `fit`.

    Args:
        step: Steps done so far.
        interval: Steps between reports.
        last: Steps of the whole training; None if the clock ends it.
    """
    remaining = _ENDLESS if last is None else last - step
    first = min(interval - step % interval, remaining)
    return (first, 1) if first < interval else (interval, remaining // interval)
