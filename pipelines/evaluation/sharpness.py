"""What sharpening does to drawings: edges gained, and whether they still show their captions."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_captioned_images
from pipelines.evaluation.caption_accuracy import SEEN, judged_accuracy
from pipelines.evaluation.load_run import trained_lengths
from pipelines.evaluation.settings import POOL
from pipelines.judges.label_judge import open_label_judge, read_label
from pipelines.sampling.sampler import Sampler
from pipelines.sampling.sharpener import Sharpener
from t2i_tf.hub.pretrained import load_trained
from t2i_tf.metrics.gradient_magnitude import gradient_magnitude


def measure_sharpness(
    workdir: str | Path, sharpen: str | Path, data: Path, *, pictures: int = 500, seed: int = 0
) -> dict[str, Mapping[str, float]]:
    """Draw test captions, sharpen the drawings, and compare both with the real images.

    Args:
        workdir: Work folder or preset of the system that draws.
        sharpen: That of the sharpener.
        data: Data folder of the scenes.
        pictures: Number of captions.
        seed: Seed of the first drawing.

    Returns:
        For `real`, `drawn` and `sharpened`: `gradient`, the mean gradient magnitude, and the
        accuracy of each attribute as `measure_caption_accuracy` measures it; NaN where no image has
        the attribute.

    Raises:
        UserError: a folder does not hold what it should, or the images have no labels.
    """
    trained = load_trained(workdir)
    sampler = Sampler(trained, Sharpener.load(sharpen))
    folder = DataFolder.open(data)
    test = read_captioned_images(folder, SEEN, POOL, trained_lengths(trained.config))
    test = test.first(pictures)
    labels = [read_label(attributes, folder) for attributes in test.attributes]
    judge = open_label_judge(folder, labels[0])
    seeds = seed + np.arange(len(test.captions))
    drawn = sampler.draw_images(test.captions, seeds, "Drawing captions", sharpen=True)
    compared = {"real": test.images, "drawn": drawn.images, "sharpened": drawn.sharpened}
    return {
        name: {"gradient": float(gradient_magnitude(images).mean())}
        | {
            attribute: estimate.value if estimate else math.nan
            for attribute, estimate in judged_accuracy(judge, images, labels).items()
        }
        for name, images in compared.items()
    }
