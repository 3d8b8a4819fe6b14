"""The presets that suit a data folder, and the settings that its captions and pictures change.

What `prepare` made of scenes and of MNIST has presets of its own. Everything else takes the presets
for photographs, with as many words as the captions have. Where there are few pictures, batches and
budget are smaller, the pictures are flipped at random, and the end comes early. It needs no
TensorFlow.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from t2i_tf.config import LapganConfig, OptimizerConfig, TrainConfig
from t2i_tf.presets import PRESETS, preset

World = Literal["scenes", "mnist", "mnist-hour", "coco", "photos", "tiny"]

KEPT = 0.99  # of the captions, at least, have a length that is kept
LONGEST = (
    256  # words that are kept at most: the drawing of a caption reads all of them at each step
)
ONE_LENGTH = 16  # captions of up to so many words are all padded to one length
PROGRAMS = 3  # that XLA compiles for longer captions, one for each padded length
SMALL, FEW = 5_000, 1_000  # training pictures: fewer end early; still fewer get a warning too
FEW_IN_VALIDATION = 20  # pictures: fewer get a warning
BATCHES = 4  # that the training captions fill at least
SMALLEST_BATCH = 4
PATIENCE = 10  # validations without improvement
# Captions -> minutes: the learning rate falls over the budget, which a small set cannot use up.
BUDGETS = ((2_000, 10.0), (10_000, 20.0))
LARGE = 48 * 48  # pixels of a picture, from which training takes clearly longer
SHORTEST_INTERVAL = 50  # steps between validations
SMALL_DECAY = 1.0  # of the weights, where a preset has any and there are few pictures


@dataclass(frozen=True)
class DataSummary:
    """What the choice depends on. Counts are of the training split unless they say otherwise."""

    source: str
    height: int
    width: int
    channels: int
    pictures: int
    validation_pictures: int
    words: Mapping[int, int]
    """Number of captions by their number of words."""

    @property
    def captions(self) -> int:
        """Number of captions."""
        return sum(self.words.values())

    def share_above(self, words: int) -> float:
        """The share of the captions that have more words."""
        return sum(n for length, n in self.words.items() if length > words) / max(self.captions, 1)


@dataclass(frozen=True)
class Choice:
    """Presets of a world, and what the data change in them."""

    world: World
    preset: str  # of alignDRAW
    data: DataSummary
    adjusts: bool  # whether the data change the settings

    def config(self, name: str) -> TrainConfig:
        """The config of the preset called `name`, fitted to the data."""
        config = preset(name).config
        return _fitted(config, self.data) if self.adjusts else config

    def lines(self, budget: bool = True) -> list[str]:
        """What suits the data and why, for people.

        Args:
            budget: Whether the preset's own time limit counts, and no other that the user gave.
        """
        if not self.adjusts:
            return [f"{_described(self.data)}."]
        config, base = self.config(self.preset), preset(self.preset).config
        lines = [f"{_described(self.data)}. {_kept(config, self.data)}"]
        if _is_small(self.data):
            lines.append(_small_set(config, base, self.data, budget))
        if budget and config.minutes and self.data.height * self.data.width >= LARGE:
            lines.append(
                f"The time limit of {config.minutes:g} minutes is for pictures of 32x32: steps on"
                " larger ones take longer, so give more --minutes."
            )
        if self.data.pictures < FEW:
            lines.append(
                f"{_count(self.data.pictures, 'picture')} cannot teach what words look like:"
                " expect blurred drawings that hardly follow their captions; that takes thousands."
            )
        return lines


def choose(data: DataSummary) -> Choice:
    """The presets for a data folder, and the one for training alignDRAW on it."""
    if data.source == "scenes":
        return Choice("scenes", "align-draw-scenes", data, adjusts=False)
    if data.source == "mnist-captions":
        return Choice("mnist-hour", "align-draw-mnist-hour", data, adjusts=False)
    return Choice("photos", "align-draw-photos", data, adjusts=True)


def choose_for_comparison(data: DataSummary) -> Choice:
    """The presets for comparing all systems: on COCO they are the paper's own."""
    if data.source in ("coco", "authors"):
        return Choice("coco", "align-draw-coco", data, adjusts=False)
    return choose(data)


def preset_like(config: TrainConfig) -> str:
    """A preset of the same system as a config."""

    def system(config: TrainConfig) -> tuple:
        model: Any = config.model
        return type(model), getattr(model, "conditioning", None), getattr(model, "kind", None)

    return next(name for name, entry in PRESETS.items() if system(entry.config) == system(config))


def changed_flags(config: TrainConfig, base: TrainConfig, but: Sequence[str] = ()) -> list[str]:
    """The flags that make a config of another with the same kind of model.

    Args:
        config: Config that is wanted.
        base: Config of the preset.
        but: Fields of the training that need no flag.
    """
    flags = []
    for field in dataclasses.fields(config):
        value, before = getattr(config, field.name), getattr(base, field.name)
        if value == before or field.name in but:
            continue
        if dataclasses.is_dataclass(value):
            inner = changed_flags(value, before)
            flags += [flag.replace("--", f"--{field.name}.", 1) for flag in inner]
            continue
        name = field.name.replace("_", "-")
        if isinstance(value, bool):
            flags.append(f"--{name}" if value else f"--no-{name}")
        else:
            flags += [f"--{name}", str(value)]
    return flags


def _fitted(config: TrainConfig, data: DataSummary) -> TrainConfig:
    """A config for photographs with the changes that the data ask for."""
    longest, multiple = _lengths(config, data)
    batch = _batch(config, data)
    steps_per_epoch = max(data.captions // batch, 1)
    return dataclasses.replace(
        config,
        model=_fitted_model(config.model, data),
        max_words=longest,
        length_multiple=multiple,
        batch_size=batch,
        minutes=_minutes(config, data),
        report_every=min(config.report_every, max(2 * steps_per_epoch, SHORTEST_INTERVAL)),
        patience=PATIENCE if _is_small(data) else 0,
        horizontal_flip=_is_small(data) and _has_pictures(config.model),
        optimizer=_fitted_optimizer(config.optimizer, data),
    )


def _fitted_optimizer(optimizer: OptimizerConfig, data: DataSummary) -> OptimizerConfig:
    if _is_small(data) and optimizer.weight_decay > 0:
        return dataclasses.replace(optimizer, weight_decay=SMALL_DECAY)
    return optimizer


def _minutes(config: TrainConfig, data: DataSummary) -> float | None:
    """The preset's time limit, or a shorter one; None for a preset that counts steps."""
    if config.minutes is None:
        return None
    return min([config.minutes, *(m for n, m in BUDGETS if data.captions < n)])


def _lengths(config: TrainConfig, data: DataSummary) -> tuple[int, int]:
    """The longest captions that are kept, and the multiple of words that they are padded to."""
    needed = min(_percentile(data), LONGEST)
    if max(data.words, default=0) <= ONE_LENGTH:
        return ONE_LENGTH, ONE_LENGTH
    longest, multiple = config.max_words, config.length_multiple
    if needed > longest:
        multiple = math.ceil(needed / PROGRAMS)
        longest = multiple * PROGRAMS
    # Batches have one length: a small set would be cut into groups that are seen one by one.
    return longest, longest if data.pictures < FEW else multiple


def _percentile(data: DataSummary) -> int:
    """The fewest words that the share `KEPT` of the captions do not exceed."""
    lengths = sorted(data.words)
    return next((n for n in lengths if data.share_above(n) <= 1 - KEPT), 1)


def _batch(config: TrainConfig, data: DataSummary) -> int:
    """The preset's batch, or a power of two of which the captions fill some."""
    fitting = max(data.captions // BATCHES, SMALLEST_BATCH)
    return min(config.batch_size, 2 ** int(math.log2(fitting)))


def _is_small(data: DataSummary) -> bool:
    return data.pictures < SMALL


def _has_pictures(model: Any) -> bool:
    """Whether a model learns from pictures, as all do but the sentence encoder."""
    return hasattr(model, "height")


def _fitted_model(model: Any, data: DataSummary) -> Any:
    """The model for the size of the pictures; height, width and channels follow the data anyway."""
    if isinstance(model, LapganConfig):
        stages = model.stages
        while stages > 1 and (data.height % 2**stages or data.width % 2**stages):
            stages -= 1
        return dataclasses.replace(model, stages=stages)
    return model


def _described(data: DataSummary) -> str:
    colour = "grey" if data.channels == 1 else "in colour"
    return (
        f"{_count(data.pictures, 'training picture')} of {data.width}x{data.height}, {colour},"
        f" with {_count(data.captions, 'caption')}"
    )


def _kept(config: TrainConfig, data: DataSummary) -> str:
    longer = data.share_above(config.max_words)
    left_out = f"{_percent(longer)} are longer and left out" if longer else "none is longer"
    return f"Captions of up to {config.max_words} words are kept; {left_out}."


def _small_set(config: TrainConfig, base: TrainConfig, data: DataSummary, budget: bool) -> str:
    """What changes because there are few pictures."""
    changes = [
        f"batches of {config.batch_size} (--batch-size)" * (config.batch_size != base.batch_size),
        f"at most {config.minutes:g} minutes" if budget and config.minutes != base.minutes else "",
        'half of them are flipped at random, except where a caption says "left" or "right", in'
        " English or 24 other languages (--no-horizontal-flip)"
        if config.horizontal_flip
        else "",
        f"a weight decay of {config.optimizer.weight_decay:g} (--optimizer.weight-decay)"
        if config.optimizer != base.optimizer
        else "",
        f"the end comes after {config.patience} validations without a better one (--patience 0"
        " trains on)",
    ]
    if 0 < data.validation_pictures < FEW_IN_VALIDATION:
        changes.append(
            f"only {_count(data.validation_pictures, 'picture')} for validation, so that the best"
            " checkpoint is a rough choice"
        )
    return f"As there are few pictures: {'; '.join(filter(None, changes))}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %") if share >= 0.0005 else "less than 0.1 %"
