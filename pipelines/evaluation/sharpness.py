"""How sharp pictures are, and what sharpening does to them: edges gained, content kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.evaluation.caption_accuracy import SEEN, read_told
from pipelines.judges.scene_judge import SceneJudge, accuracy
from pipelines.sampling.sampler import Sampler
from pipelines.sampling.sharpener import Sharpener
from t2i_tf import checkpoints


def gradient_magnitude(images: np.ndarray) -> np.ndarray:
    """The mean length of the gradient of each picture, [B].

    Args:
        images: uint8 [B, H, W, C].

    Returns:
        Mean over pixels and channels of sqrt(dx^2 + dy^2), with forward differences, of values in
        [0, 1]; our choice.
    """
    values = images.astype(np.float64) / 255.0
    dx = values[:, :-1, 1:] - values[:, :-1, :-1]
    dy = values[:, 1:, :-1] - values[:, :-1, :-1]
    return np.sqrt(dx**2 + dy**2).mean(axis=(1, 2, 3))


def measure_sharpness(
    workdir: Path, sharpen: Path, data: Path, *, pictures: int = 500, seed: int = 0
) -> Mapping[str, Any]:
    """Draw test captions, sharpen the drawings, and compare both with the real pictures.

    Args:
        workdir: of the system that draws.
        sharpen: work folder of the sharpener.
        data: data folder of the scenes.
        pictures: how many.
        seed: of the first drawing.

    Returns:
        For `real`, `drawn` and `sharpened`: `gradient`, the mean gradient magnitude, and the
        judge's accuracy by attribute.

    Raises:
        UserError: the folders do not hold what they should.
    """
    sampler = Sampler(checkpoints.load(workdir), Sharpener.load(sharpen))
    folder = DataFolder.open(data)
    told = read_told(folder, SEEN, pictures)
    pairs = [(one.caption, seed + k) for k, one in enumerate(told)]
    drawn = sampler.draw_pairs(pairs, description="Drawing captions")
    judge = SceneJudge((folder.height, folder.width))
    shown = {
        "real": np.stack([one.image for one in told]),
        "drawn": np.stack([one.image for one in drawn]),
        "sharpened": np.stack([one.sharpened for one in drawn]),
    }
    scenes = [one.scene for one in told]
    return {
        name: {"gradient": float(gradient_magnitude(images).mean())}
        | dict(accuracy(judge.judge(images), scenes))
        for name, images in shown.items()
    }
