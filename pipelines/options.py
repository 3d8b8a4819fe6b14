"""What each command accepts: dataclasses, standard library only, from which the flags are made."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from t2i_tf.config import TrainConfig


@dataclass(frozen=True)
class TrainOptions:
    """Train a model on a data folder; the same command again goes on where it stopped."""

    data: Path
    """Data folder, made by `prepare`."""
    workdir: Path
    """Work folder of this run: config, checkpoints, TensorBoard, history and samples."""
    preset: str = "align-draw-scenes"
    """Where the settings below begin; `--help` shows the values of the preset that is given."""
    config: Annotated[TrainConfig, tyro.conf.arg(name="")] = field(default_factory=TrainConfig)
    smoke: bool = False
    """Two steps of everything, to see that it works."""
    overfit: int | None = None
    """Train on the first N captions alone: the loss must fall."""
