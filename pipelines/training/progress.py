"""The progress bar of a run."""

import keras

from pipelines.progress_bar import ProgressBar
from pipelines.training.pacing import BudgetScheduler, Clock


class TrainingProgress(keras.callbacks.Callback):
    """Shows step, loss, speed and the time left, inside a `with` block."""

    def __init__(self, scheduler: BudgetScheduler, clock: Clock):
        super().__init__()
        self.scheduler, self.clock = scheduler, clock
        self._bar = ProgressBar("training")

    def __enter__(self):
        self._bar.__enter__()
        self._bar.update(0.0, "compiling")
        return self

    def __exit__(self, *error):
        self._bar.__exit__(*error)

    def on_train_begin(self, logs=None):  # noqa: D102
        self._first = int(self.model.optimizer.iterations), self.clock.elapsed

    def on_train_batch_end(self, batch, logs=None):  # noqa: D102
        step = int(self.model.optimizer.iterations)
        speed = (step - self._first[0]) / max(self.clock.elapsed - self._first[1], 1e-9)
        name = self.model.headline[0]
        self._bar.update(
            self.scheduler.progress,
            f"step {step}  {name} {logs[name]:.4g} {self.model.unit}  {speed:.1f} steps/s",
        )

    def on_epoch_end(self, epoch, logs=None):  # noqa: D102
        step = int(self.model.optimizer.iterations)
        names = [prefix + name for prefix in ("", "val_") for name in self.model.headline]
        values = "  ".join(f"{name} {logs[name]:.4g}" for name in names if name in logs)
        self._bar.print(f"step {step:>6} {self.clock.elapsed:5.0f} s, {self.model.unit}: {values}")
