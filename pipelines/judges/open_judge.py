"""Who judges the pictures of a data folder: it follows from what their records tell of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.scenes.world import Scene
from pipelines.judges.digit_judge import (
    Digits,
    digit_accuracy,
    open_digit_judge,
    read_digits,
)
from pipelines.judges.scene_judge import SceneJudge, accuracy
from t2i_tf.errors import UserError

SceneLabel = Scene | Digits  # what a picture shows


class Judge(NamedTuple):
    """A judge, and how its answers are counted."""

    judge: Callable[[np.ndarray], Sequence[SceneLabel]]  # pictures, uint8 [B, H, W, C]
    accuracy: Callable[
        [Sequence[SceneLabel], Sequence[SceneLabel]], Mapping[str, float]
    ]  # judged, wanted


def open_judge(folder: DataFolder, shown: SceneLabel) -> Judge:
    """The judge of pictures such as `shown` tells of; that of digits is trained where it has to."""
    if isinstance(shown, Scene):
        return Judge(SceneJudge((folder.height, folder.width)).judge, accuracy)
    return Judge(open_digit_judge(folder)[0].judge, digit_accuracy)


def read_label(attributes: bytes, folder: DataFolder) -> SceneLabel:
    """What a picture shows, as its record tells it.

    Raises:
        UserError: it tells neither a scene nor digits.
    """
    for read in (_read_scene, read_digits):
        try:
            return read(attributes)
        except msgspec.DecodeError:
            continue
    raise UserError(
        f"{folder.path}: its pictures do not tell their scenes or digits. Expected data prepared"
        " from `python -m pipelines scenes`, or with `--source mnist-captions`."
    )


def _read_scene(attributes: bytes) -> Scene:
    return msgspec.json.decode(attributes, type=Scene)
