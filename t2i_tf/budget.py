"""How long to train, and how much of that is done."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from t2i_tf.config import TrainConfig


@dataclasses.dataclass(frozen=True)
class Budget:
    """The length of a training: a number of steps, or of seconds."""

    steps: int | None = None
    seconds: float | None = None

    @classmethod
    def of(cls, config: TrainConfig, steps_per_epoch: int) -> "Budget":
        """The budget of a config: minutes take precedence over steps, and steps over epochs."""
        if config.minutes is not None:
            return cls(seconds=60.0 * config.minutes)
        return cls(steps=config.steps or config.epochs * steps_per_epoch)

    def progress(self, step: int, elapsed: float) -> float:
        """The fraction that is done, 0 to 1, at a step and after `elapsed` seconds."""
        done = elapsed / self.seconds if self.seconds is not None else step / max(self.steps, 1)
        return min(done, 1.0)


def budget_in_words(config: TrainConfig) -> str:
    """The budget of a config, such as "8 minutes"."""
    if config.minutes is not None:
        return f"{config.minutes:g} minutes"
    return f"{config.steps:,} steps" if config.steps else f"{config.epochs:,} epochs"


def share_done(
    config: TrainConfig, step: int, best: int | None, progress: Mapping[str, Any]
) -> float | None:
    """The share of a training that is done, 0 to 1; 1 too where its patience has ended it.

    Args:
        config: settings of the run.
        step: step of its newest checkpoint.
        best: step of its best checkpoint; None if there is none.
        progress: what the newest checkpoint says of the training besides.

    Returns:
        None where the checkpoint does not say enough, as those of earlier versions may not.
    """
    per_epoch, elapsed = progress.get("steps_per_epoch", 0), progress.get("elapsed")
    interval = config.report_every or per_epoch
    if config.patience and interval and best and (step - best) // interval >= config.patience:
        return 1.0
    if elapsed is None or not (config.minutes or config.steps or per_epoch):
        return None
    return Budget.of(config, per_epoch).progress(step, elapsed)
