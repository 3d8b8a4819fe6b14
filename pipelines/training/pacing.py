"""The clock of a run, and the learning rate and the end that follow from it."""

import time

import keras

from pipelines.training.schedule import learning_rate
from t2i_tf.budget import Budget
from t2i_tf.config import OptimizerConfig
from t2i_tf.optimizers import steps_taken


class Clock:
    """Seconds of training, those before a resume included.

    Args:
        shared: Whether several workers train. They need one time, since the learning rate may
            follow it: then `elapsed` is what they last agreed on.
    """

    def __init__(self, shared: bool = False):
        self.shared = shared
        self.restart(0.0)

    def restart(self, elapsed: float) -> None:
        """Continue from `elapsed` seconds."""
        self._start, self._agreed = time.monotonic() - elapsed, elapsed

    def agree(self, elapsed: float) -> None:
        """Take the time that all workers agreed on."""
        self._agreed = elapsed

    @property
    def here(self) -> float:
        """Seconds so far by the clock of this machine."""
        return time.monotonic() - self._start

    @property
    def elapsed(self) -> float:
        """Seconds so far."""
        return self._agreed if self.shared else self.here


class BudgetScheduler(keras.callbacks.Callback):
    """Sets the learning rate before each step, and stops training when the budget is spent."""

    def __init__(self, config: OptimizerConfig, budget: Budget, clock: Clock):
        super().__init__()
        self.config, self.budget, self.clock = config, budget, clock

    @property
    def progress(self) -> float:
        """The fraction of the budget that is spent, 0 to 1."""
        return self.budget.progress(steps_taken(self.model), self.clock.elapsed)

    def on_train_batch_begin(self, batch, logs=None):  # noqa: D102
        step = steps_taken(self.model)
        self.model.optimizer.learning_rate = learning_rate(self.config, step, self.progress)

    def on_train_batch_end(self, batch, logs=None):  # noqa: D102
        if self.progress >= 1.0:
            self.model.stop_training = True
