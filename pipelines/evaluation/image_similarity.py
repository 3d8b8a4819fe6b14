"""How near the drawings of a caption are to its picture, and how far they are from each other."""

from collections import defaultdict
from typing import Any

import numpy as np

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import CaptionedImages, read_images
from pipelines.evaluation.estimate import estimate, point
from pipelines.sampling.sampler import Sampler
from t2i_tf.metrics.ssim_diversity import WINDOW, diversity, ssim

REAL = 20_000  # pictures of the training split in which others of a caption are looked for


def draw_samples(
    sampler: Sampler, told: CaptionedImages, samples: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray | None]:
    """`samples` drawings of each caption, and the same sharpened: uint8 [captions, S, H, W, C].

    The seeds are `seed`, `seed` + 1, ... for every caption.
    """
    captions = [caption for caption in told.captions for _ in range(samples)]
    seeds = np.tile(seed + np.arange(samples), len(told.captions))
    drawn = sampler.draw_images(captions, seeds, "Drawing samples", sharpen=True)
    shape = (len(told.captions), samples, *told.images.shape[1:])
    sharpened = None if drawn.sharpened is None else drawn.sharpened.reshape(shape)
    return drawn.images.reshape(shape), sharpened


def similarity_figures(drawn: np.ndarray, images: np.ndarray) -> dict[str, Any] | None:
    """The paper's SSI: the structural similarity of drawings and the true picture.

    `mean` is over captions and their drawings, its interval over captions; `spread` the standard
    deviation of all of them.

    Args:
        drawn: [captions, S, H, W, C], uint8.
        images: [captions, H, W, C], uint8.

    Returns:
        None where pictures are smaller than the window.
    """
    if min(images.shape[1:3]) < WINDOW:
        return None
    values = ssim(drawn, images[:, None])
    return {"mean": estimate(values, np.mean), "spread": estimate(values, np.std)}


def diversity_figures(
    drawn: np.ndarray, captions: list[str], folder: DataFolder
) -> dict[str, Any] | None:
    """The mean distance of drawings of one caption, beside that of real pictures of it.

    Real ones are pictures of the training split with the very same caption. Where some captions
    have two of them or more, both figures are of these captions; otherwise `real` is None.

    Args:
        drawn: [captions, S, H, W, C], uint8.

    Returns:
        None where each caption has one drawing.
    """
    if drawn.shape[1] < 2:
        return None
    real = _real_of_each(captions, folder)
    known = [k for k, caption in enumerate(captions) if len(real[caption]) > 1]
    chosen = known or range(len(captions))
    return {
        "drawn": estimate(np.array([diversity(drawn[k]) for k in chosen])),
        "real": estimate(np.array([diversity(real[captions[k]]) for k in known]))
        if known
        else None,
        "captions": len(chosen),
        "real_pictures": point(np.mean([len(real[captions[k]]) for k in known])) if known else None,
    }


def _real_of_each(captions: list[str], folder: DataFolder) -> dict[str, np.ndarray]:
    """Training pictures by their captions, uint8 [n, H, W, C]; a picture counts once."""
    pictures, numbers = read_images(folder, "train", REAL), defaultdict(list)
    wanted = set(captions)
    for k, told in enumerate(pictures.captions):
        for caption in wanted.intersection(told):
            numbers[caption].append(k)
    return {caption: pictures.images[numbers[caption]] for caption in captions}
