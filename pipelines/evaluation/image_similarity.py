"""How close drawings are to the caption's image, how far from each other, and how sharp."""

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import CaptionedImages, read_images
from pipelines.evaluation.estimate import bootstrap_estimate, point_estimate
from pipelines.evaluation.results import Diversity, Gradient, Similarity
from pipelines.sampling.sampler import Sampler
from t2i_tf.metrics.gradient_magnitude import gradient_magnitude
from t2i_tf.metrics.ssim_diversity import WINDOW, diversity, ssim

Metric = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of images that broadcast

REAL_IMAGES = 20_000  # training images read at most


def draw_samples(
    sampler: Sampler, captioned: CaptionedImages, samples: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray | None]:
    """`samples` drawings of each caption, and the same sharpened: uint8 [captions, S, H, W, C].

    The seeds are `seed`, `seed` + 1, ... for every caption.
    """
    captions = [caption for caption in captioned.captions for _ in range(samples)]
    seeds = np.tile(seed + np.arange(samples), len(captioned.captions))
    drawn = sampler.draw_images(captions, seeds, "Drawing samples", sharpen=True)
    shape = (len(captioned.captions), samples, *captioned.images.shape[1:])
    sharpened = None if drawn.sharpened is None else drawn.sharpened.reshape(shape)
    return drawn.images.reshape(shape), sharpened


def measure_similarity(
    drawn: np.ndarray, images: np.ndarray, metric: Metric = ssim
) -> Similarity | None:
    """The paper's SSI: the structural similarity of drawings and the true image.

    The mean is over captions and their drawings, the spread their standard deviation; the intervals
    are over captions.

    Args:
        drawn: uint8 [captions, S, H, W, C].
        images: uint8 [captions, H, W, C].
        metric: `ssim` or `uniform_ssim`.

    Returns:
        None where images are smaller than the window of SSIM.
    """
    if min(images.shape[1:3]) < WINDOW:
        return None
    values = metric(drawn, images[:, None])
    return Similarity(
        mean=bootstrap_estimate(values, np.mean), spread=bootstrap_estimate(values, np.std)
    )


def measure_diversity(
    drawn: np.ndarray, captions: list[str], folder: DataFolder
) -> Diversity | None:
    """The mean distance of drawings of one caption, beside that of real images of it.

    Real images come from the training split and have the very same caption. If some captions have
    two of them or more, both metrics are over these captions alone; otherwise `real` is None.

    Args:
        drawn: uint8 [captions, S, H, W, C].
        captions: Captions of the drawings.
        folder: Data folder with the real images.

    Returns:
        None where each caption has a single drawing.
    """
    if drawn.shape[1] < 2:
        return None
    real = _real_images(captions, folder)
    repeated = [k for k, caption in enumerate(captions) if len(real[caption]) > 1]
    measured = repeated or range(len(captions))
    drawn_distances = np.array([diversity(drawn[k]) for k in measured])
    if not repeated:
        return Diversity(drawn=bootstrap_estimate(drawn_distances), captions=len(measured))
    real_distances = np.array([diversity(real[captions[k]]) for k in repeated])
    return Diversity(
        drawn=bootstrap_estimate(drawn_distances),
        real=bootstrap_estimate(real_distances),
        captions=len(measured),
        real_pictures=point_estimate(np.mean([len(real[captions[k]]) for k in repeated])),
    )


def measure_gradient(drawn: np.ndarray, images: np.ndarray) -> Gradient:
    """How sharp drawings are, beside the true images: blurred drawings have smaller gradients.

    Args:
        drawn: uint8 [captions, S, H, W, C].
        images: uint8 [captions, H, W, C].
    """
    return Gradient(
        drawn=bootstrap_estimate(gradient_magnitude(drawn)),
        real=bootstrap_estimate(gradient_magnitude(images)),
    )


def _real_images(captions: list[str], folder: DataFolder) -> dict[str, np.ndarray]:
    """Training images by caption, uint8 [n, H, W, C]; each image once."""
    train, indices = read_images(folder, "train", REAL_IMAGES), defaultdict(list)
    searched = set(captions)
    for k, its_captions in enumerate(train.captions):
        for caption in searched.intersection(its_captions):
            indices[caption].append(k)
    return {caption: train.images[indices[caption]] for caption in captions}
