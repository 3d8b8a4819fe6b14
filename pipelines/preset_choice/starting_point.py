"""Where a training begins that names no preset: at its own settings, or at those for the data."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.preset_choice.choose_preset import World, choose, preset_like
from pipelines.preset_choice.data_summary import summarize
from pipelines.training.workdir import has_trained_nothing
from t2i_tf import checkpoints
from t2i_tf.config import TrainConfig
from t2i_tf.hub.pretrained import read_settings


class StartingPoint(NamedTuple):
    """A preset, its settings, and why they were chosen."""

    preset: str
    config: TrainConfig
    lines: list[str]  # for people


def starting_point(
    data: Path, workdir: Path, budget: bool = True, init: str | None = None
) -> StartingPoint:
    """The settings of the run that a work folder holds, or else those that suit the data.

    A run that begins from a trained model has the sizes of that model.

    Args:
        data: Data folder.
        workdir: Work folder, which need not exist.
        budget: Whether the preset's own time limit counts, and no other that the user gave.
        init: What `from_preset` loads, to begin from its weights.

    Raises:
        UserError: one of the folders cannot be used.
    """
    folder = DataFolder.open(data)
    if (workdir / "config.json").is_file() and not has_trained_nothing(workdir):
        config = checkpoints.read_config(workdir)
        return StartingPoint(
            preset_like(config), config, [f"{workdir} holds a run: its settings stay."]
        )
    choice = choose(summarize(folder))
    trained = None if init is None else read_settings(init)
    if trained:
        choice = dataclasses.replace(choice, preset=_same_system(trained, choice.world))
    first, *others = choice.lines(budget)
    lines = [f"Preset {choice.preset}, as the data suggest (--preset takes another): {first}"]
    config = choice.config(choice.preset)
    if trained:
        others = [f"The model has the sizes of {init}.", *others]
        config = dataclasses.replace(
            config, model=trained.model, caption_dropout=trained.caption_dropout
        )
    return StartingPoint(choice.preset, config, lines + others)


def _same_system(trained: TrainConfig, world: World) -> str:
    """The preset of a trained system for the data of a world."""
    system = preset_like(trained).removesuffix("-scenes")
    return f"{system}-{world}"
