"""How many bits the test pictures take, by a system and by others that code the same pictures."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pipelines.data.prepared.split_reader import CaptionedImages, read_captioned_images, read_images
from pipelines.evaluation.estimate import Estimate, bootstrap_estimate
from pipelines.evaluation.likelihood.elbo import IMPORTANCE_SAMPLES, importance_weighted
from pipelines.evaluation.likelihood.scorer import Scorer
from pipelines.evaluation.load_run import trained_lengths
from pipelines.studies.bits_per_dim.file_formats import FORMATS, PNG_FRAME, file_bits
from pipelines.studies.bits_per_dim.pixel_models import (
    MOST_DIMS,
    full_gaussian_bits,
    histogram_bits,
    pixelwise_gaussian_bits,
)
from pipelines.studies.study_context import StudyContext
from pipelines.studies.study_result import StudyOutput
from t2i_tf.errors import UsageError, UserError
from t2i_tf.losses import bits_per_dim

SPLIT = "test"
PUBLISHED = {  # text-conditional models on COCO at 32x32, as recalled from the papers
    "PixelCNN on COCO, published": 4.44,  # Reed et al. 2016
    "multiscale PixelCNN on COCO, published": 4.53,  # Reed et al. 2017
}

Coded = tuple[str, np.ndarray | None]  # name, and bits per dimension of each picture


def study_bits(context: StudyContext, *, captions: int, seed: int) -> StudyOutput:
    """Bits per pixel and channel of test pictures, by all that gives them a length.

    Args:
        context: System that draws, and its data folder.
        captions: Number of pictures of the split `test`, each with a caption.
        seed: Seed of the noise.

    Raises:
        UsageError: there is no data folder.
        UserError: a split is missing, or there is one training picture only.
    """
    if context.folder is None:
        raise UsageError("The pictures are in the data folder: name it with --data.")
    train = read_images(context.folder, "train").images
    if len(train) < 2:
        raise UserError(
            f"{context.folder.path}: expected two training pictures or more, found {len(train)}."
        )
    lengths = trained_lengths(context.trained.config)
    test = read_captioned_images(context.folder, SPLIT, captions, lengths)
    coded = [
        *_by_system(context, test, seed),
        *((f"{name} files", file_bits(test.images, name)) for name in FORMATS),
        ("histogram of each channel", histogram_bits(train, test.images)),
        ("Gaussian, each pixel alone", pixelwise_gaussian_bits(train, test.images)),
        ("Gaussian, full covariance", full_gaussian_bits(train, test.images, seed)),
    ]
    table = [_row(name, None if bits is None else bootstrap_estimate(bits)) for name, bits in coded]
    table += [_row(name, Estimate(value)) for name, value in PUBLISHED.items()]
    return StudyOutput(
        "Bits per dimension",
        " ".join(_sentences(context, table, len(test.images), len(train))),
        table,
        {},
        {"pictures": len(test.images), "training_pictures": len(train)},
    )


def _by_system(context: StudyContext, test: CaptionedImages, seed: int) -> Iterator[Coded]:
    """By the bound of one sample, and by that of several; None without a discrete likelihood."""
    names = context.title, f"{context.title}, {IMPORTANCE_SAMPLES} samples"
    if not has_code_length(context.trained.model):
        yield from ((name, None) for name in names)
        return
    scorer = Scorer(context.trained)
    captions, shape = scorer.read(test.captions), test.images.shape[1:]
    seeds = seed + np.arange(len(captions))
    bound = scorer.terms(test.images, captions, seeds, "Bounds")["own_bound"]
    weights = scorer.log_weights(
        test.images, captions, IMPORTANCE_SAMPLES, seed, "Importance-weighted bounds"
    )
    for name, nats in zip(names, (bound, importance_weighted(weights["own"])), strict=True):
        yield name, bits_per_dim(-nats, shape)


def has_code_length(model) -> bool:
    """Whether a model gives probabilities of 8-bit pixels; a GAN has no likelihood at all."""
    return bool(getattr(getattr(model, "likelihood", None), "is_discrete", False))


def _row(name: str, bits: Estimate | None) -> dict[str, Any]:
    low, high = (bits.low, bits.high) if bits else (None, None)
    return {"by": name, "bits/dim": bits and bits.value, "low": low, "high": high}


def _sentences(
    context: StudyContext, table: Sequence[dict[str, Any]], pictures: int, train: int
) -> Iterator[str]:
    dims = int(np.prod(context.shape))
    yield (
        f"{pictures:,} test pictures, with {train:,} training pictures for the histogram and the"
        " Gaussians; bits per pixel and channel, with 95 % intervals over the pictures."
    )
    if context.trained.model.bound is None:
        yield f"{context.title} has no likelihood, and so no code."
    elif has_code_length(context.trained.model):
        yield (
            "The system's bits are at most these: they are bounds, from one posterior sample and"
            f" from {IMPORTANCE_SAMPLES}."
        )
    else:
        yield (
            f"{context.title} was not trained with a discrete likelihood (`train --likelihood"
            " logistic`): its nats are not the length of a code."
        )
    frame = 8 * PNG_FRAME / dims
    yield (
        f"Files count whole: {frame:.3f} bits of a PNG are its signature, header and chunk lengths."
        " The Gaussian of each pixel is discretized exactly; that of full covariance is a bound, by"
        " uniform noise in place of the grey levels."
    )
    if any(row["by"].endswith("full covariance") and row["bits/dim"] is None for row in table):
        yield (
            f"The full covariance is left out for pictures of over {MOST_DIMS:,} values: these have"
            f" {dims:,}."
        )
    yield (
        "The published values are those of text-conditional models on COCO at 32x32, as recalled"
        " from the papers: other pictures, so only a rough comparison."
    )
