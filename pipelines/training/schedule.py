"""How long to train, and the learning rate on the way: functions of step and clock alone."""

import math
from dataclasses import dataclass

from t2i_tf.config import OptimizerConfig, TrainConfig


@dataclass(frozen=True)
class Budget:
    """The end of a training: after so many steps, or so many seconds."""

    steps: int | None = None
    seconds: float | None = None

    @classmethod
    def of(cls, config: TrainConfig, steps_per_epoch: int) -> "Budget":
        """Minutes go before steps, steps before epochs."""
        if config.minutes is not None:
            return cls(seconds=60.0 * config.minutes)
        return cls(steps=config.steps or config.epochs * steps_per_epoch)

    def progress(self, step: int, elapsed: float) -> float:
        """The share that is done, 0 to 1, at a step or after `elapsed` seconds."""
        done = elapsed / self.seconds if self.seconds is not None else step / max(self.steps, 1)
        return min(done, 1.0)


def learning_rate(config: OptimizerConfig, step: int, progress: float) -> float:
    """The rate at a step, when `progress` of the training is done."""
    warmup = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    if config.schedule == "cosine":
        decay = 0.5 * (1.0 + math.cos(math.pi * progress))
    elif config.schedule == "step":
        decay = 0.1 if progress >= config.drop_at else 1.0
    else:
        decay = 1.0
    return config.learning_rate * warmup * decay
