"""`model.fit` and what surrounds it: one call trains a run in its work folder, or resumes it."""

import contextlib
import dataclasses
from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow as tf

from pipelines.data.batches.batch_plan import Mode
from pipelines.data.batches.replica_shares import check_divisible
from pipelines.data.precomputed.feature_sources import FeatureSources
from pipelines.data.precomputed.sentence_vectors import unknown_to_encoder
from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import CaptionReader
from pipelines.fine_tuning.initial_weights import FILE as INIT
from pipelines.fine_tuning.initial_weights import (
    begin_from,
    discard_init_record,
    encoder_of,
    open_initial,
)
from pipelines.progress_bar import ProgressBar
from pipelines.training.checkpointing import Checkpointer, Interrupted
from pipelines.training.early_stopping import EarlyStopping
from pipelines.training.history import History
from pipelines.training.pacing import BudgetScheduler, Clock
from pipelines.training.progress import TrainingProgress
from pipelines.training.run_batches import RunBatches, open_batches
from pipelines.training.tensorboard import TensorBoard
from pipelines.training.workdir import Inputs, flat, has_trained_nothing, open_shared_workdir
from pipelines.training.workers.keras_fit import Ballot, fit_on_workers
from pipelines.training.workers.versions import versions
from pipelines.training.workers.workers import Workers
from pipelines.typed_form import flag_of
from t2i_tf.budget import Budget
from t2i_tf.checkpoints import CheckpointFolder
from t2i_tf.config import TrainConfig
from t2i_tf.json_files import write_json
from t2i_tf.models import (
    TrainableModel,
    build_configured,
    check_caption_dropout,
    check_word_dropout,
)
from t2i_tf.optimizers import build_optimizer, steps_taken
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
    sentences: str | Path | None = None,
    reconstructions: str | Path | None = None,
    workers: Workers | None = None,
    init: str | None = None,
) -> Outcome:
    """Trains in `workdir` until the config's budget is spent, or its patience.

    The same call on a begun folder resumes at the exact step: weights, optimizer, learning rate,
    data order, noise and running means. It may resume on another number of workers.

    Args:
        config: Config of the run; its image size and vocabulary size are replaced by the data's.
        data: Data folder, made by `prepare`.
        workdir: New folder, or that of the run to resume.
        mode: How records are read: "ram", "stream" or "auto", see `BatchPlan.of`.
        overfit: Train on only this many captions, the first ones; a run that resumes has to be
            given the same number, as with `reconstructions`.
        checkpoint_seconds: The longest time that a crash can cost.
        sentences: Sentence encoder of a system that reads sentence vectors, see `open_encoder`.
        reconstructions: Work folder or preset of the model that makes the sharpener's blurry
            images.
        workers: Workers that train together, each by this call; by default this machine alone.
        init: Model to start from, as `from_preset` loads it. A run that resumes has to be given the
            same one or none.

    Raises:
        UsageError: the config has caption or word dropout, and its model draws no captions, or not
            from their words; or it has more scales than the data's pictures have.
        UserError: data or work folder are not usable, the loss becomes NaN or infinite, the workers
            differ in code, data or settings or cannot share a batch, or `init` cannot be loaded,
            draws pictures of another size or has no weight that fits.
        LostWorkerError: another worker ended, or cannot be reached.
    """
    check_caption_dropout(config.model, config.caption_dropout)
    check_word_dropout(config)
    workers, workdir = workers or Workers(), Path(workdir)
    with workers.together():
        folder = workers.after_chief(lambda: DataFolder.open(data))
        replicas = {"the number of GPUs": workers.replicas.count}
        workers.check_equal(versions() | replicas | {"--data": folder.fingerprint[:12]})
        captions = CaptionReader(folder)
        lengths = LengthRange(config.min_words, config.max_words, config.length_multiple)
        if init is not None and config.reads_sentences and has_trained_nothing(workdir):
            sentences = sentences or workers.after_chief(lambda: encoder_of(init))
        sources = FeatureSources(captions, workdir, lengths, sentences, reconstructions)
        config = workers.after_chief(lambda: fit_to_data(config, folder, sources))
        if config.reads_sentences and workers.is_chief:
            _say(unknown_to_encoder(sources.encoder, folder.vocabulary))
        given = {"--mode": mode, "--overfit": overfit, "--init": init}
        workers.check_equal(_flags(config) | given)
        inputs = Inputs(overfit, reconstructions and str(reconstructions))
        with open_shared_workdir(workers, workdir, config, folder, sources, inputs):
            model = _compiled_model(config, workers)
            if init is not None:
                _begin_from(init, model, config, folder.vocabulary, sources, workdir, workers)
            else:
                workers.chief_does(lambda: _say(discard_init_record(workdir)))
            batches = _open_batches(config, captions, sources, model, mode, overfit, workers)
            vocabulary = folder.vocabulary
            return _train(model, config, batches, vocabulary, workdir, checkpoint_seconds, workers)


def _flags(config: TrainConfig) -> dict[str, object]:
    return {flag_of(name): value for name, value in flat(config).items()}


def _begin_from(
    init: str,
    model: TrainableModel,
    config: TrainConfig,
    vocabulary: Vocabulary,
    sources: FeatureSources,
    workdir: Path,
    workers: Workers,
) -> None:
    """Puts the weights of a trained model into a new one and records it, unless the run resumes."""
    source = workers.after_chief(lambda: open_initial(init, workdir, config))
    if source is None:
        return
    encoder = sources.encoder if config.reads_sentences else None
    record, lines = begin_from(init, source, model, config.model, vocabulary, encoder)
    workers.chief_does(lambda: write_json(workdir / INIT, record))
    if workers.is_chief:
        _say(lines)


def _say(lines: list[str]) -> None:
    for line in lines:
        print(line)


def _open_batches(
    config: TrainConfig,
    captions: CaptionReader,
    sources: FeatureSources,
    model: TrainableModel,
    mode: Mode,
    overfit: int | None,
    workers: Workers,
) -> RunBatches:
    """The batches of a run, read in the mode that the chief chooses for all workers."""
    check_divisible(config.batch_size, workers.replicas.all, "A batch", "--batch-size")
    opened: list[RunBatches] = []

    def open_once(mode: Mode) -> str:
        if not opened:
            keys = model.feature_keys
            opened.append(open_batches(config, captions, sources, keys, mode=mode, overfit=overfit))
        return opened[0].training.mode

    mode = workers.chief_does(lambda: open_once(mode))
    workers.gather(lambda: open_once(mode))
    size = opened[0].validation_size
    check_divisible(size, workers.replicas.all, "A validation batch", "--validation-pictures")
    return opened[0]


def _train(
    model: TrainableModel,
    config: TrainConfig,
    batches: RunBatches,
    vocabulary: Vocabulary,
    workdir: Path,
    checkpoint_seconds: float,
    workers: Workers,
) -> Outcome:
    """Resumes at the newest checkpoint of a work folder, and trains until the end."""
    per_epoch = batches.training.steps_per_epoch
    budget = Budget.of(config, per_epoch)
    interval = config.report_every or per_epoch
    clock = Clock(shared=workers.count > 1)
    scheduler = BudgetScheduler(config.optimizer, budget, clock)
    folder = CheckpointFolder(workdir / "checkpoints")
    checkpointer = Checkpointer(folder, clock, interval, checkpoint_seconds, workers, per_epoch)
    history = History(workdir / "history.csv", clock)
    bar = ProgressBar("training", text="compiling")
    stopping = EarlyStopping(config.patience, interval, folder, history, bar.print, workers)
    board = TensorBoard(workdir, batches.preview, vocabulary, config.batch_size, clock)
    callbacks = [
        scheduler,
        *([board] if workers.is_chief else []),
        *([keras.callbacks.SwapEMAWeights()] if config.optimizer.ema > 0 else []),
        # Before the checkpoint: after a kill between the two, the interval is trained again.
        *([history] if workers.is_chief else []),
        checkpointer,
        TrainingProgress(bar, scheduler, clock),
        stopping,
    ]
    for callback in (scheduler, checkpointer, stopping):
        callback.set_model(model)
    if workers.count > 1:
        fit_on_workers(model, _ballot(workers, clock, checkpointer))
    with checkpointer, bar, contextlib.suppress(Interrupted):
        checkpointer.restore()
        # A step at least, however small the budget: without it there would be no checkpoint.
        while not steps_taken(model) or (scheduler.progress < 1.0 and not stopping.is_due):
            _fit_round(model, batches, interval, budget.steps, callbacks, workers)
            checkpointer.restore()  # `fit` leaves averaged weights behind
    return Outcome(
        steps_taken(model),
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


def _ballot(workers: Workers, clock: Clock, checkpointer: Checkpointer) -> Ballot:
    """What the workers tell each other with every step: whether to end, to save, and the time."""

    def cast() -> list[float]:
        saves, now = (checkpointer.is_due, clock.here) if workers.is_chief else (False, 0.0)
        return [float(checkpointer.interrupted), float(saves), now]

    def count(votes) -> None:
        ends, saves, now = votes
        checkpointer.agree(ends > 0, saves > 0)
        clock.agree(now)

    return Ballot(cast, count)


def _compiled_model(config: TrainConfig, workers: Workers) -> TrainableModel:
    """The model of a config with its optimizer, on all devices."""
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    with workers.strategy.scope():
        model = build_configured(config)
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
    workers: Workers,
) -> None:
    """Trains from the model's step to the end of its interval, or over all whole intervals left."""
    step = steps_taken(model)
    steps, epochs = _steps_and_epochs(step, interval, last)
    validation, validation_steps = batches.validation, None
    if workers.count > 1:  # a shared dataset does not say how many batches it has
        validation_steps = int(validation.cardinality())
        validation = workers.share(validation.repeat())
    model.fit(
        workers.share(batches.training.dataset(start_step=step)),
        steps_per_epoch=steps,
        initial_epoch=step // interval,
        epochs=step // interval + epochs,
        validation_data=validation,
        validation_steps=validation_steps,
        callbacks=callbacks,
        shuffle=False,  # the plan has shuffled already
        verbose=0,
    )


def _steps_and_epochs(step: int, interval: int, last: int | None) -> tuple[int, int]:
    """Steps per epoch and number of epochs of the next call of `fit`.

    Args:
        step: Steps done so far.
        interval: Steps between reports.
        last: Steps of the whole training; None if the clock ends it.
    """
    remaining = _ENDLESS if last is None else last - step
    first = min(interval - step % interval, remaining)
    return (first, 1) if first < interval else (interval, remaining // interval)
