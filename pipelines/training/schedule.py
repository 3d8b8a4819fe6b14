"""The flags that say how long to train; the learning rate, a function of step and progress."""

import dataclasses
import math
from collections.abc import Sequence

from t2i_tf.config import OptimizerConfig, TrainConfig
from t2i_tf.errors import UsageError

BUDGETS = ("epochs", "steps", "minutes")  # fields of a config that say how long to train


def without_other_budgets(config: TrainConfig, named: Sequence[str]) -> TrainConfig:
    """A preset's config with no budget that would take precedence over the one named instead.

    Args:
        config: Config of the preset.
        named: The fields of `BUDGETS` that the user gives values for.

    Raises:
        UsageError: there are several.
    """
    if len(named) > 1:
        raise UsageError(
            f"Expected one budget, got {' and '.join(f'--{name}' for name in named)}."
            " Give only one of them: the training ends with it."
        )
    return dataclasses.replace(config, steps=None, minutes=None) if named else config


def learning_rate(config: OptimizerConfig, step: int, progress: float) -> float:
    """The learning rate at a step, when the fraction `progress` of the training is done."""
    warmup = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    if config.schedule == "cosine":
        decay = 0.5 * (1.0 + math.cos(math.pi * progress))
    elif config.schedule == "step":
        decay = 0.1 if progress >= config.drop_at else 1.0
    else:
        decay = 1.0
    return config.learning_rate * warmup * decay
