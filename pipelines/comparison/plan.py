"""What a comparison trains, in which order and with which settings. It needs no TensorFlow."""

import dataclasses
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.comparison.paper_results import PAPER_SYSTEMS, SYSTEMS, System
from pipelines.preset_choice.choose_preset import Choice, World, changed_flags
from t2i_tf.config import TrainConfig
from t2i_tf.errors import UsageError, did_you_mean
from t2i_tf.number_ranges import TRAINING_SEED, check_flags, check_number
from t2i_tf.presets import preset

Part = Literal["sharpener", "captioner", "studies"]
DEFAULT_SYSTEMS: tuple[System, ...] = tuple(reversed(PAPER_SYSTEMS))  # the paper's own first

ENCODER, SHARPENER, CAPTIONER = "skip-thought", "sharpening", "captioner"
TITLES = {
    ENCODER: "skip-thought encoder",
    **SYSTEMS,
    SHARPENER: "sharpener",
    CAPTIONER: "captioner",
}
ENCODER_SHARE = 1 / 4  # of a system's budget


@dataclass(frozen=True)
class Run:
    """A training run. Its name is that of its preset without the world, and names its folder."""

    name: str
    preset: str
    config: TrainConfig
    reads_encoder: bool = False  # whether it reads the encoder that the comparison trains

    @property
    def title(self) -> str:
        """The name to show to people."""
        return TITLES[self.name]

    @property
    def minutes(self) -> float:
        """The training budget."""
        return self.config.minutes or 0.0

    def command(self, data: Path, workdir: Path, sentences: str | Path | None) -> str:
        """The command line that trains this run on its own."""
        words = ["python", "-m", "pipelines", "train", "--preset", self.preset, "--data", data]
        words += ["--workdir", workdir, "--minutes", f"{self.minutes:g}"]
        words += ["--seed", self.config.seed] if self.config.seed else []
        words += changed_flags(self.config, preset(self.preset).config, but=("minutes", "seed"))
        words += ["--sentences", sentences] if sentences else []
        return shlex.join(map(str, words))


def is_draw_system(system: str) -> bool:
    """Whether a system is one of the DRAW systems, whose drawings the paper sharpens."""
    return system.endswith("-draw")


def attends_to_words(system: str) -> bool:
    """Whether the attention of a system differs from word to word."""
    return system in ("align-draw", "conv-draw")


def plan_runs(
    systems: Sequence[str],
    world: World,
    minutes: float,
    *,
    encoder_minutes: float | None = None,
    trains_encoder: bool = True,
    without: Collection[Part] = (),
    seed: int = 0,
    choice: Choice | None = None,
) -> list[Run]:
    """The runs of a comparison, in order: encoder, systems, sharpener, captioner.

    Args:
        systems: the systems, in the order in which they are trained.
        world: ending of the presets' names.
        minutes: budget of every run except the encoder's.
        encoder_minutes: budget of the encoder; by default a quarter of `minutes`.
        trains_encoder: whether to train a sentence encoder if a run reads one.
        without: parts to leave out.
        seed: seed of every run.
        choice: what the data change in the presets; by default nothing.

    Raises:
        UsageError: a system is unknown or given twice, there is none, or a budget or the seed is
            out of range.
    """
    encoder_minutes = minutes * ENCODER_SHARE if encoder_minutes is None else encoder_minutes
    _check_systems(systems)
    check_flags(minutes=minutes, encoder_minutes=encoder_minutes)
    check_number("seed", seed, TRAINING_SEED)
    names = list(systems)
    if any(map(is_draw_system, systems)) and "sharpener" not in without:
        names.append(SHARPENER)
    if "captioner" not in without:
        names.append(CAPTIONER)

    def plan(name: str, minutes: float) -> Run:
        preset_name = f"{name}-{world}"
        config = choice.config(preset_name) if choice else preset(preset_name).config
        # Word dropout is left out, as the systems that read sentence vectors cannot have it.
        config = dataclasses.replace(config, minutes=minutes, seed=seed, word_dropout=0.0)
        return Run(name, preset_name, config, config.reads_sentences and trains_encoder)

    runs = [plan(name, minutes) for name in names]
    if any(run.reads_encoder for run in runs):
        runs.insert(0, plan(ENCODER, encoder_minutes))
    return runs


def _check_systems(systems: Sequence[str]) -> None:
    if not systems:
        raise UsageError(f"There is nothing to compare. Choose from: {', '.join(SYSTEMS)}.")
    for k, system in enumerate(systems):
        if system not in SYSTEMS:
            raise UsageError(f"No system is called {system!r}. {did_you_mean(system, SYSTEMS)}")
        if system in systems[:k]:
            raise UsageError(f"The system {system!r} is given twice.")
