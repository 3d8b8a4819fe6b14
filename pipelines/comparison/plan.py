"""What a comparison trains, in which order, with which settings. It needs no TensorFlow."""

import dataclasses
import math
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.comparison.paper_results import SYSTEMS, System
from pipelines.evaluation.seeds import check_seed
from t2i_tf.config import TrainConfig
from t2i_tf.errors import UsageError, did_you_mean
from t2i_tf.presets import preset

World = Literal["scenes", "mnist", "coco", "tiny"]
Part = Literal["sharpener", "captioner", "studies"]
DEFAULT_SYSTEMS: tuple[System, ...] = tuple(reversed(SYSTEMS))  # the paper's own first

ENCODER, SHARPENER, CAPTIONER = "skip-thought", "sharpening", "captioner"
TITLES = {
    ENCODER: "skip-thought encoder",
    **SYSTEMS,
    SHARPENER: "sharpener",
    CAPTIONER: "captioner",
}
ENCODER_SHARE = 4  # the encoder has this part of a system's minutes
_WORLDS: dict[str, World] = {"scenes": "scenes", "mnist-captions": "mnist", "coco": "coco"}


@dataclass(frozen=True)
class Run:
    """A training: its folder is named as its preset is, without the world."""

    name: str
    preset: str
    config: TrainConfig
    reads_encoder: bool = False  # the encoder that the comparison trained

    @property
    def title(self) -> str:
        """What it trains, for people."""
        return TITLES[self.name]

    def command(self, data: Path, workdir: Path, sentences: Path | None) -> str:
        """What trains it alone."""
        words = ["python", "-m", "pipelines", "train", "--preset", self.preset, "--data", data]
        words += ["--workdir", workdir, "--minutes", f"{self.minutes:g}"]
        words += ["--seed", self.config.seed] if self.config.seed else []
        words += ["--sentences", sentences] if sentences else []
        return shlex.join(map(str, words))

    @property
    def minutes(self) -> float:
        """Its budget."""
        return self.config.minutes or 0.0


def draws_by_steps(system: str) -> bool:
    """Whether a system is one of the DRAW systems: these are what the paper sharpens."""
    return system.endswith("-draw")


def world_of(source: str) -> World:
    """The presets that suit data from a source.

    Raises:
        UsageError: it does not tell.
    """
    if source not in _WORLDS:
        raise UsageError(
            f"The data's source, {source!r}, does not tell which presets suit it: say --world "
            "scenes, mnist or coco."
        )
    return _WORLDS[source]


def plan_runs(
    systems: Sequence[str],
    world: World,
    minutes: float,
    *,
    encoder_minutes: float | None = None,
    own_encoder: bool = False,
    without: Collection[Part] = (),
    seed: int = 0,
) -> list[Run]:
    """The trainings of a comparison: encoder, systems, sharpener, captioner.

    Args:
        systems: in the order in which they are trained.
        world: names the presets.
        minutes: the budget of every run but the encoder.
        encoder_minutes: of the encoder; a quarter of `minutes` where not given.
        own_encoder: the user has a sentence encoder: none is trained.
        without: what is left out.
        seed: of every run.

    Raises:
        UsageError: no such system, one named twice, none at all, no minutes, or a seed below 0.
    """
    encoder_minutes = minutes / ENCODER_SHARE if encoder_minutes is None else encoder_minutes
    _check(systems, minutes, encoder_minutes)
    check_seed(seed)
    budgets = dict.fromkeys(systems, minutes)
    if any(map(draws_by_steps, systems)) and "sharpener" not in without:
        budgets[SHARPENER] = minutes
    if "captioner" not in without:
        budgets[CAPTIONER] = minutes
    runs = [_run(name, world, budget, seed, own_encoder) for name, budget in budgets.items()]
    if any(run.reads_encoder for run in runs):
        runs.insert(0, _run(ENCODER, world, encoder_minutes, seed, own_encoder))
    return runs


def _run(name: str, world: World, minutes: float, seed: int, own_encoder: bool) -> Run:
    name_of_preset = f"{name}-{world}"
    config = dataclasses.replace(preset(name_of_preset).config, minutes=minutes, seed=seed)
    return Run(
        name,
        name_of_preset,
        config,
        reads_encoder=config.reads_sentences and not own_encoder,
    )


def _check(systems: Sequence[str], *budgets: float) -> None:
    if not systems:
        raise UsageError(f"Nothing to compare. Choose among: {', '.join(SYSTEMS)}.")
    for k, system in enumerate(systems):
        if system not in SYSTEMS:
            raise UsageError(f"No system is called {system!r}. {did_you_mean(system, SYSTEMS)}")
        if system in systems[:k]:
            raise UsageError(f"The system {system!r} is named twice.")
    for minutes in budgets:
        if not (minutes > 0 and math.isfinite(minutes)):
            raise UsageError(f"Expected a budget of more than 0 minutes, got {minutes:g}.")
