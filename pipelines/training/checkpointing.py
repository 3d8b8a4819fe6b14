"""Callbacks that steer a run: learning rate, checkpoints, end, history, progress bar."""

import csv
import io
import math
import signal
import time
from pathlib import Path

import keras
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from pipelines.training.history import read_history
from pipelines.training.schedule import Budget, learning_rate
from t2i_tf.checkpoints import CheckpointFolder
from t2i_tf.config import OptimizerConfig
from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically


class Clock:
    """Seconds of training, those of earlier sittings included."""

    def __init__(self):
        self.restart(0.0)

    def restart(self, elapsed: float) -> None:
        """Go on from `elapsed` seconds."""
        self._start = time.monotonic() - elapsed

    @property
    def elapsed(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self._start


class Pace(keras.callbacks.Callback):
    """Sets the learning rate before each step, and stops when the budget is spent."""

    def __init__(self, config: OptimizerConfig, budget: Budget, clock: Clock):
        super().__init__()
        self.config, self.budget, self.clock = config, budget, clock

    @property
    def progress(self) -> float:
        """The share of the budget that is spent."""
        return self.budget.progress(int(self.model.optimizer.iterations), self.clock.elapsed)

    def on_train_batch_begin(self, batch, logs=None):  # noqa: D102
        step = int(self.model.optimizer.iterations)
        self.model.optimizer.learning_rate = learning_rate(self.config, step, self.progress)

    def on_train_batch_end(self, batch, logs=None):  # noqa: D102
        if self.progress >= 1.0:
            self.model.stop_training = True


class Interrupted(Exception):
    """Training was asked to end, and its state is saved."""


class Checkpointer(keras.callbacks.Callback):
    """Saves the whole state now and then, at the end of each interval, and when interrupted.

    Training goes on exactly where a checkpoint was taken, inside an interval too: the running means
    of the metrics are part of it. Inside a `with` block the first Ctrl-C (or SIGTERM) ends training
    after the step at hand.

    Args:
        folder: the run's checkpoints.
        clock: of the run.
        interval: steps between reports.
        every_seconds: the longest time that a crash can cost.

    Raises:
        Interrupted: after a step, when asked to end.
        UserError: after a step, when the loss is no number any more.
    """

    def __init__(
        self, folder: CheckpointFolder, clock: Clock, interval: int, every_seconds: float = 120.0
    ):
        super().__init__()
        self.folder, self.clock, self.interval = folder, clock, interval
        self.every_seconds = every_seconds
        self.best_loss = math.inf
        self.interrupted = False
        self._metrics: list = []

    def restore(self) -> bool:
        """Put the newest checkpoint into the model; False where there is none."""
        progress = self.folder.restore_newest(self.model)
        if progress is None:
            return False
        self.clock.restart(progress["elapsed"])
        self.best_loss = self.folder.best_loss()
        self._metrics = [v.numpy() for v in self._metric_variables()]
        return True

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        self.folder.save(self.model, {"elapsed": self.clock.elapsed})
        self._saved = time.monotonic()

    def __enter__(self):
        self._handlers = {
            number: signal.signal(number, self._interrupt)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *error):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def on_train_begin(self, logs=None):  # noqa: D102
        self._saved = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):  # noqa: D102
        if int(self.model.optimizer.iterations) % self.interval:
            for variable, value in zip(self._metric_variables(), self._metrics, strict=True):
                variable.assign(value)

    def on_train_batch_end(self, batch, logs=None):  # noqa: D102
        for name, value in logs.items():
            if math.isfinite(value):
                continue
            newest = self.folder.steps()[-1:]
            kept = f"Kept: {self.folder.path(newest[0])}. " if newest else ""
            raise UserError(
                f"The {name} became {value} at step {int(self.model.optimizer.iterations)}. "
                f"{kept}Lower --optimizer.learning-rate or --optimizer.clip-norm."
            )
        if self.interrupted or time.monotonic() - self._saved > self.every_seconds:
            self.save()
        if self.interrupted:
            raise Interrupted

    def on_epoch_end(self, epoch, logs=None):  # noqa: D102
        if logs.get("val_loss", math.inf) < self.best_loss:
            self.best_loss = logs["val_loss"]
            # First: after a kill in between the interval is done again, and marked again.
            self.folder.mark_best(int(self.model.optimizer.iterations), self.best_loss)
        self.save()

    def _metric_variables(self):
        return [variable for metric in self.model.metrics for variable in metric.variables]

    def _interrupt(self, number, frame):
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True


class History(keras.callbacks.Callback):
    """`history.csv`: a line for each interval. Lines after the step that is resumed are dropped."""

    def __init__(self, path: Path, clock: Clock):
        super().__init__()
        self.path, self.clock = path, clock

    def on_train_begin(self, logs=None):  # noqa: D102
        step = int(self.model.optimizer.iterations)
        self.rows = [row for row in read_history(self.path) if row["step"] <= step]

    def on_epoch_end(self, epoch, logs=None):  # noqa: D102
        step = int(self.model.optimizer.iterations)
        row = {"step": step, "seconds": round(self.clock.elapsed, 1)}
        row |= {"learning_rate": float(self.model.optimizer.learning_rate)}
        self.rows.append(row | {name: float(value) for name, value in logs.items()})
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(self.rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomically(self.path, lambda file: file.write(text.getvalue().encode()))


class Bar(keras.callbacks.Callback):
    """One line that tells step, loss, speed and the time that is left, inside a `with` block."""

    def __init__(self, pace: Pace, clock: Clock):
        super().__init__()
        self.pace, self.clock = pace, clock
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[facts]}"),
            TextColumn("ETA"),
            TimeRemainingColumn(),
        )
        self._task = self._bar.add_task("training", total=1.0, facts="compiling")

    def __enter__(self):
        self._bar.start()
        return self

    def __exit__(self, *error):
        self._bar.stop()

    def on_train_begin(self, logs=None):  # noqa: D102
        self._first = int(self.model.optimizer.iterations), self.clock.elapsed

    def on_train_batch_end(self, batch, logs=None):  # noqa: D102
        step = int(self.model.optimizer.iterations)
        speed = (step - self._first[0]) / max(self.clock.elapsed - self._first[1], 1e-9)
        name = self.model.headline[0]
        facts = f"step {step}  {name} {logs[name]:.4g} {self.model.unit}  {speed:.1f} steps/s"
        self._bar.update(self._task, completed=self.pace.progress, facts=facts)

    def on_epoch_end(self, epoch, logs=None):  # noqa: D102
        step = int(self.model.optimizer.iterations)
        names = [prefix + name for prefix in ("", "val_") for name in self.model.headline]
        told = "  ".join(f"{name} {logs[name]:.4g}" for name in names if name in logs)
        self._bar.console.print(
            f"step {step:>6} {self.clock.elapsed:5.0f} s, {self.model.unit}: {told}"
        )
