"""The judge of a data folder: which one follows from the labels of its images."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.scenes.world import Scene
from pipelines.judges.digit_judge import (
    PlacedDigits,
    digit_accuracy,
    open_digit_judge,
    read_digits,
)
from pipelines.judges.scene_judge import SceneJudge, accuracy
from t2i_tf.errors import UserError

SceneLabel = Scene | PlacedDigits  # what an image shows


class Judge(NamedTuple):
    """A judge, and the accuracy of its answers by attribute."""

    judge: Callable[[np.ndarray], Sequence[SceneLabel]]  # of images uint8 [B, H, W, C]
    accuracy: Callable[
        [Sequence[SceneLabel], Sequence[SceneLabel]], Mapping[str, float]
    ]  # of (judged, expected)


def open_label_judge(folder: DataFolder, label: SceneLabel) -> Judge:
    """The judge of images with labels like `label`; a judge of digits may have to be trained."""
    if isinstance(label, Scene):
        return Judge(SceneJudge((folder.height, folder.width)).judge, accuracy)
    return Judge(open_digit_judge(folder)[0].judge, digit_accuracy)


def read_label(attributes: bytes, folder: DataFolder) -> SceneLabel:
    """What an image shows, from the attributes in its record.

    Raises:
        UserError: the attributes describe neither a scene nor digits.
    """
    for read in (_read_scene, read_digits):
        try:
            return read(attributes)
        except msgspec.DecodeError:
            continue
    raise UserError(
        f"{folder.path}: its records do not say which scene or digits an image shows. Expected data"
        " prepared from `python -m pipelines scenes`, or with `--source mnist-captions`."
    )


def _read_scene(attributes: bytes) -> Scene:
    return msgspec.json.decode(attributes, type=Scene)
