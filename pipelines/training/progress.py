"""The progress bar of a run."""

import keras

from pipelines.progress_bar import ProgressBar
from pipelines.training.pacing import BudgetScheduler, Clock
from t2i_tf.optimizers import steps_taken

BITS = ("bits", ("bits_per_dim",))  # unit and measure, of models with a discrete likelihood


class TrainingProgress(keras.callbacks.Callback):
    """Shows step, loss and speed on a bar, and prints a line after each interval."""

    def __init__(self, bar: ProgressBar, scheduler: BudgetScheduler, clock: Clock):
        super().__init__()
        self.bar, self.scheduler, self.clock = bar, scheduler, clock

    def on_train_begin(self, logs=None):  # noqa: D102
        self._first = steps_taken(self.model), self.clock.elapsed

    def on_train_batch_end(self, batch, logs=None):  # noqa: D102
        step = steps_taken(self.model)
        speed = (step - self._first[0]) / max(self.clock.elapsed - self._first[1], 1e-9)
        name = self.model.headline[0]
        self.bar.update(
            self.scheduler.progress,
            f"step {step}  {name} {logs[name]:.4g} {self.model.unit}  {speed:.1f} steps/s",
        )

    def on_epoch_end(self, epoch, logs=None):  # noqa: D102
        step = steps_taken(self.model)
        parts = [f"step {step:>6} {self.clock.elapsed:5.0f} s"]
        for unit, measures in ((self.model.unit, self.model.headline), BITS):
            names = [prefix + name for prefix in ("", "val_") for name in measures]
            values = "  ".join(f"{name} {logs[name]:.4g}" for name in names if name in logs)
            parts += [f"{unit}: {values}"] * bool(values)
        self.bar.print(", ".join(parts))
