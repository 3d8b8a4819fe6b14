"""Checkpoints of a run: written during training and when interrupted, restored to resume."""

import math
import signal
import time

import keras

from pipelines.training.pacing import Clock
from pipelines.training.workers.workers import Workers
from t2i_tf.checkpoints import (
    CheckpointFolder,
    Saved,
    assign_state,
    read_checkpoint,
    read_state,
)
from t2i_tf.errors import UserError
from t2i_tf.optimizers import steps_taken


class Interrupted(Exception):
    """The user ended the training; its state is saved."""


class Checkpointer(keras.callbacks.Callback):
    """Saves the whole state from time to time, after each interval, and when interrupted.

    Training resumes exactly where a checkpoint was taken, even inside an interval: a checkpoint
    includes the running means of the metrics. Inside a `with` block, the first Ctrl-C (or SIGTERM,
    or SIGHUP) ends the training after the current step. Of several workers the chief writes and
    chooses what to restore, and a signal to any of them ends the training of all.

    Args:
        folder: Checkpoints of the run.
        clock: Clock of the run.
        interval: Steps between reports.
        every_seconds: The longest time that a crash can cost.
        workers: Workers of the training.
        steps_per_epoch: Steps of a pass over the data, for the record.

    Raises:
        Interrupted: after a step, if a signal came.
        UserError: after a step, if the loss became NaN or infinite.
    """

    def __init__(
        self,
        folder: CheckpointFolder,
        clock: Clock,
        interval: int,
        every_seconds: float = 120.0,
        workers: Workers | None = None,
        steps_per_epoch: int = 0,
    ):
        super().__init__()
        self.folder, self.clock, self.interval = folder, clock, interval
        self.every_seconds = every_seconds
        self.steps_per_epoch = steps_per_epoch
        self.workers = workers or Workers()
        self.best_loss = math.inf
        self.interrupted = False
        self._asked = False  # by a signal to this worker
        self._agreed: tuple[bool, bool] | None = None
        self._saved = time.monotonic()
        self._metrics: list = []

    @property
    def is_due(self) -> bool:
        """Whether the last checkpoint is too old."""
        return time.monotonic() - self._saved > self.every_seconds

    def agree(self, ends: bool, saves: bool) -> None:
        """Take what the workers agreed on: to end the training, or to save, after this step."""
        self._agreed = ends, saves
        self.interrupted = self.interrupted or ends

    def restore(self) -> None:
        """Puts the newest checkpoint into the model and sets the clock; to 0 if there is none."""
        saved = self._read_newest()
        if saved is None:
            self.clock.restart(0.0)
            return
        assign_state(self.model, saved)  # on all workers at the same time, as all below
        self.clock.restart(saved.progress["elapsed"])
        self.best_loss = self.workers.chief_does(self.folder.best_loss)
        self._metrics = [v.numpy() for v in self._metric_variables()]

    def _read_newest(self) -> Saved | None:
        """The newest readable checkpoint on the chief, which the others read too."""
        read: list[Saved | None] = []

        def newest() -> str | None:
            read.append(self.folder.read_newest())
            return read[0] and read[0].path.name

        def follow() -> None:
            if not read:
                read.append(self._read(name))

        name = self.workers.chief_does(newest)
        self.workers.gather(follow)
        return read[0]

    def _read(self, name: str | None) -> Saved | None:
        if name is None:
            return None
        path = self.folder.folder / name
        self.workers.see(path)
        return read_checkpoint(path)

    def save(self) -> None:
        """Writes a checkpoint of the current state; UserError if it cannot be written."""
        state = read_state(self.model)  # on all workers, which add up their metrics
        self.workers.chief_does(lambda: self._write(state))
        self._saved = time.monotonic()

    def _write(self, state) -> None:
        step = steps_taken(self.model)
        progress = {"elapsed": self.clock.here, "steps_per_epoch": self.steps_per_epoch}
        try:
            self.folder.write(step, state, progress)
        except OSError as error:
            newest = self.folder.steps()[-1:]
            kept = f"{self.folder.path(newest[0])} is kept" if newest else "there is none yet"
            raise UserError(
                f"The checkpoint cannot be written to {self.folder.folder}: {error.strerror};"
                f" {kept}. Make room, then the same command resumes the training."
            ) from error

    def __enter__(self):
        self._handlers = {
            number: signal.signal(number, self._interrupt)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN  # of `nohup`
        }
        return self

    def __exit__(self, *error):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def on_train_begin(self, logs=None):  # noqa: D102
        self._saved = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):  # noqa: D102
        if steps_taken(self.model) % self.interval:
            for variable, value in zip(self._metric_variables(), self._metrics, strict=True):
                variable.assign(value)

    def on_train_batch_end(self, batch, logs=None):  # noqa: D102
        for name, value in logs.items():
            if math.isfinite(value):
                continue
            newest = self.folder.steps()[-1:]
            kept = f"The checkpoint {self.folder.path(newest[0])} is kept. " if newest else ""
            step = steps_taken(self.model)
            raise UserError(
                f"The {name} became {value} at step {step}. "
                f"{kept}Lower --optimizer.learning-rate or --optimizer.clip-norm."
            )
        if batch + 1 == self.params["steps"] or self.model.stop_training:
            return  # `on_epoch_end` saves: a run that resumes here would skip the validation
        ends, saves = self._agreed or (self.interrupted, self.is_due)
        if ends or saves:
            self.save()
        if ends:
            raise Interrupted

    def on_epoch_end(self, epoch, logs=None):  # noqa: D102
        if logs.get("val_loss", math.inf) < self.best_loss:
            self.best_loss = logs["val_loss"]
            # Before saving: after a kill in between, the interval is trained and marked again.
            step = steps_taken(self.model)
            self.workers.chief_does(lambda: self.folder.mark_best(step, self.best_loss))
        self.save()
        if self._agreed[0] if self._agreed else self.interrupted:
            raise Interrupted

    def _metric_variables(self):
        return [variable for metric in self.model.metrics for variable in metric.variables]

    def _interrupt(self, number, frame):
        if self._asked and number != signal.SIGHUP:  # which shell and system may both send
            raise KeyboardInterrupt
        self._asked = self.interrupted = True
