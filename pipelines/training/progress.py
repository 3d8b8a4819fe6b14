"""The progress bar of a run."""

import keras
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from pipelines.training.pacing import Clock, Pace


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
