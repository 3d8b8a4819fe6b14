"""The ranges of the numbers in configs and options, in one place.

Standard library only, so that wrong flags are refused before TensorFlow is imported.
"""

import dataclasses
import math
from numbers import Real  # NumPy's numbers too
from typing import Any, NamedTuple

from t2i_tf.errors import UsageError


class Range(NamedTuple):
    """The numbers from `low` to `high`; `open_low` and `open_high` leave out the ends."""

    low: float
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, Real) or not abs(number) < math.inf:  # NaN too
            return False
        above = number > self.low if self.open_low else number >= self.low
        return above and (number < self.high if self.open_high else number <= self.high)

    def __str__(self) -> str:
        low = f"more than {self.low}" if self.open_low else f"{self.low} or more"
        if self.high == math.inf:
            return "a finite number" if self.low == -math.inf else low
        return f"{low} and {'less than' if self.open_high else 'at most'} {self.high}"


COUNT = Range(1)
AT_LEAST_0 = Range(0)
POSITIVE = Range(0, open_low=True)
SHARE = Range(0, 1)
BELOW_1 = Range(0, 1, open_high=True)
SEED = Range(0, 2**62)  # the seeds of the next drawings follow it, as int64
TRAINING_SEED = Range(0, 2**30 - 1)  # doubled, it is an int32 of the noise
BEST_OF = Range(1, 10_000)  # drawings for one picture: hours on a CPU
TEMPERATURE = Range(0, 1_000_000)  # far beyond it, sums leave the range of float32
GUIDANCE = Range(0, 20)  # beyond it, log sigma of the prior leaves the range of float32

PIXELS = Range(1, 4096)  # height or width of a picture
WORKERS = Range(1, 1024)
STEPS = Range(1, 2**31 - 1)
PICTURES = Range(0, 9_999_999)  # of a split of the scenes, whose ids leave room for so many

RANGES = {
    "height": PIXELS,
    "width": PIXELS,
    "workers": WORKERS,
    "max_bad": SHARE,
    "shard_size": Range(1, 1_000_000),
    "min_count": Range(1, 1_000_000_000),
    "train": PICTURES,
    "val": PICTURES,
    "test": PICTURES,
    "held_out": PICTURES,
    "steps": STEPS,
    "epochs": STEPS,
    "minutes": POSITIVE,
    "encoder_minutes": POSITIVE,
    "checkpoint_seconds": AT_LEAST_0,
    "temperature": TEMPERATURE,
    "guidance": GUIDANCE,
    "best_of": BEST_OF,
    "seed": SEED,
    "report_every": AT_LEAST_0,
    "patience": AT_LEAST_0,
    "sentence_units": AT_LEAST_0,
    "initial_canvas": Range(-math.inf),
    "kl_weight": AT_LEAST_0,
    "free_bits": AT_LEAST_0,
    "weight_decay": AT_LEAST_0,
    "fidelity": AT_LEAST_0,
    "dropout": BELOW_1,
    "caption_dropout": BELOW_1,
    "word_dropout": BELOW_1,
    "label_smoothing": BELOW_1,
    "beta_1": BELOW_1,
    "ema": BELOW_1,
    "learning_rate": POSITIVE,
    "clip_norm": POSITIVE,
    "drop_at": SHARE,
    "warmup_steps": AT_LEAST_0,
    "gpus_per_worker": AT_LEAST_0,
    "retries": AT_LEAST_0,
}
"""Range by field name; other numbers are counts of one or more."""

_WITHOUT_PREFIX = ("config", "sizes", "steering")


def check_flags(**numbers: float | None) -> None:
    """Refuses numbers out of range, given by the names of their flags; None is left alone.

    Raises:
        UsageError: names the flag, the range and the number.
    """
    for name, number in numbers.items():
        if number is not None:
            check_number(name, number, RANGES.get(name, COUNT))


def check_number(name: str, number: float, allowed: Range) -> None:
    """Raises UsageError if a number is out of range; `name` is its flag's."""
    if number not in allowed:
        flag = f"--{name}".replace("_", "-")
        raise UsageError(f"Expected {flag} to be {allowed}, got {number}.")


def check_numbers(values: Any, *, seeds: Range = SEED, prefix: str = "") -> None:
    """Refuses numbers out of range in a dataclass and in those inside it.

    Args:
        values: Options of a command, or a config. The fields of `config`, `sizes` and `steering`
            have flags without a prefix.
        seeds: Range of its seeds.
        prefix: Beginning of its flags.

    Raises:
        UsageError: names the flag, the range and the number.
    """
    for field in dataclasses.fields(values):
        value = getattr(values, field.name)
        if dataclasses.is_dataclass(value):
            inner = "" if field.name in _WITHOUT_PREFIX else f"{prefix}{field.name}."
            check_numbers(value, seeds=seeds, prefix=inner)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            allowed = seeds if field.name == "seed" else RANGES.get(field.name, COUNT)
            check_number(f"{prefix}{field.name}", value, allowed)
    if getattr(values, "min_words", 0) > getattr(values, "max_words", math.inf):
        raise UsageError(
            f"Expected --min-words to be at most --max-words ({values.max_words}), got"
            f" {values.min_words}."
        )
    if hasattr(values, "scales") and values.scales > values.steps:
        raise UsageError(
            f"Expected --{prefix}scales to be at most --{prefix}steps ({values.steps}), as every"
            f" scale has a step of its own, got {values.scales}."
        )
