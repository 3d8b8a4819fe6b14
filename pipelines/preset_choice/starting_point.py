"""Where a training begins that names no preset: at its own settings, or at those for the data."""

from pathlib import Path
from typing import NamedTuple

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.preset_choice.choose_preset import choose, preset_like
from pipelines.preset_choice.data_summary import summarize
from pipelines.training.workdir import has_trained_nothing
from t2i_tf import checkpoints
from t2i_tf.config import TrainConfig


class StartingPoint(NamedTuple):
    """A preset, its settings, and why they were chosen."""

    preset: str
    config: TrainConfig
    lines: list[str]  # for people


def starting_point(data: Path, workdir: Path, budget: bool = True) -> StartingPoint:
    """The settings of the run that a work folder holds, or else those that suit the data.

    Args:
        data: Data folder.
        workdir: Work folder, which need not exist.
        budget: Whether the preset's own time limit counts, and no other that the user gave.

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
    first, *others = choice.lines(budget)
    lines = [f"Preset {choice.preset}, as the data suggest (--preset takes another): {first}"]
    return StartingPoint(choice.preset, choice.config(choice.preset), lines + others)
