"""Does a system copy? The training picture nearest to each drawing, by pixels and by features."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import (
    CaptionedImages,
    SplitImages,
    read_captioned_images,
    read_images,
)
from pipelines.evaluation.features.efficientnet import EfficientNet
from pipelines.evaluation.features.word_classifier import open_classifier
from pipelines.evaluation.load_run import trained_lengths
from pipelines.figures.annotated_grid import SIDE, Cell, Row, sheet
from pipelines.figures.pixels import enlarged
from pipelines.studies.study_context import StudyContext
from pipelines.studies.study_result import StudyOutput
from t2i_tf.errors import UsageError, UserError
from t2i_tf.metrics.pairwise_distance import two_nearest

SPLIT = "test"
SHOWN = 12  # drawings in the figure
PIXELS = "pixels"
DRAWINGS, REAL = "drawings", "real pictures"
NEAR = 0.01  # quantile of the real pictures' distances below which a drawing is called near


class Space(NamedTuple):
    """A space in which images are compared: rows of them, and the unit of the distance."""

    embed: Callable[[np.ndarray], np.ndarray]  # uint8 [n, H, W, C] to [n, D]
    scale: float = 1.0


class Nearest(NamedTuple):
    """The nearest training picture of each image, and the distances to the nearest two."""

    index: np.ndarray  # int [n]
    distance: np.ndarray  # [n]
    ratio: np.ndarray  # [n], distance of the nearest over that of the second; low for a copy


def study_copying(
    context: StudyContext, *, captions: int, open_judge: bool, seed: int
) -> StudyOutput:
    """Draw test captions, and find the training pictures nearest to the drawings.

    The same is measured for the real pictures of the captions, which are no copies.

    Args:
        context: System that draws, and its data folder.
        captions: Number of captions of the split `test`.
        open_judge: Whether the features are those of EfficientNet-Lite0; otherwise they are those
            of the data folder's classifier.
        seed: Seed of the first drawing.

    Raises:
        UsageError: there is no data folder.
        UserError: the open judge is not installed, or there is one training picture only.
    """
    if context.folder is None:
        raise UsageError("The training pictures are in the data folder: name it with --data.")
    train = read_images(context.folder, "train")
    if len(train.images) < 2:
        raise UserError(
            f"{context.folder.path}: expected two training pictures or more, found"
            f" {len(train.images)}."
        )
    test = read_captioned_images(
        context.folder, SPLIT, captions, trained_lengths(context.trained.config)
    )
    spaces = _spaces(context.folder, open_judge)
    seeds = seed + np.arange(len(test.captions))
    drawn = context.sampler.draw_images(test.captions, seeds, "Drawing captions").images
    found = _nearest_of(spaces, {DRAWINGS: drawn, REAL: test.images}, train.images)
    table = _table(found)
    return StudyOutput(
        "The nearest training pictures",
        _text(table, len(drawn), len(train.images)),
        table,
        {"copying": _figure(test, drawn, found[DRAWINGS], train)},
        {
            "captions": len(drawn),
            "training_pictures": len(train.images),
            "drawings": _details(test.captions, seeds, found[DRAWINGS]),
        },
    )


def _spaces(folder: DataFolder, open_judge: bool) -> dict[str, Space]:
    """Pixels, by their root mean squared difference for values from 0 to 1; and features."""
    pixels = Space(
        lambda images: images.reshape(len(images), -1), 1 / (255 * np.prod(folder.shape) ** 0.5)
    )
    if open_judge:
        return {PIXELS: pixels, "efficientnet": Space(EfficientNet().features)}
    return {PIXELS: pixels, "classifier": Space(open_classifier(folder)[0].features)}


def _nearest_of(
    spaces: Mapping[str, Space], images: Mapping[str, np.ndarray], train: np.ndarray
) -> dict[str, dict[str, Nearest]]:
    """The nearest training pictures, by the kind of the images and by the space."""
    found: dict[str, dict[str, Nearest]] = {kind: {} for kind in images}
    for name, space in spaces.items():
        rows = space.embed(train)
        for kind, some in images.items():
            index, distance = two_nearest(space.embed(some), rows)
            ratio = distance[:, 0] / np.maximum(distance[:, 1], 1e-12)
            found[kind][name] = Nearest(index[:, 0], space.scale * distance[:, 0], ratio)
    return found


def _table(found: Mapping[str, Mapping[str, Nearest]]) -> list[dict[str, Any]]:
    rows = []
    for space in found[DRAWINGS]:
        near = np.quantile(found[REAL][space].distance, NEAR)
        for kind in (DRAWINGS, REAL):
            one = found[kind][space]
            rows.append(
                {
                    "to the nearest training picture": f"{kind}, by {space}",
                    "median": float(np.median(one.distance)),
                    "least": float(one.distance.min()),
                    "share near": float((one.distance < near).mean()),
                    "different": len(np.unique(one.index)) / len(one.index),
                    "ratio to second": float(np.median(one.ratio)),
                    "least ratio": float(one.ratio.min()),
                }
            )
    return rows


def _details(
    captions: Sequence[str], seeds: np.ndarray, found: Mapping[str, Nearest]
) -> list[dict[str, Any]]:
    """Caption and seed of each drawing, with its nearest training picture in each space."""
    return [
        {"caption": caption, "seed": int(seed)}
        | {
            f"{space}_{name}": values[k].item()
            for space, one in found.items()
            for name, values in one._asdict().items()
        }
        for k, (caption, seed) in enumerate(zip(captions, seeds, strict=True))
    ]


def _text(table: Sequence[Mapping[str, Any]], drawings: int, train: int) -> str:
    sentences = [
        f"{drawings} drawings of test captions, and the real pictures of these captions, beside"
        f" {train:,} training pictures."
    ]
    for drawn, real in zip(table[::2], table[1::2], strict=True):
        space = drawn["to the nearest training picture"].rpartition(" ")[2]
        sentences.append(
            f"By {space}, the nearest is at {drawn['median']:.3f} from a drawing and at"
            f" {real['median']:.3f} from a real picture (medians); {drawn['different']:.0%} and"
            f" {real['different']:.0%} of them are different pictures. It is nearer than the second"
            f" nearest by {1 - drawn['ratio to second']:.1%} and {1 - real['ratio to second']:.1%};"
            f" at most by {1 - drawn['least ratio']:.0%} and {1 - real['least ratio']:.0%}."
        )
    sentences.append(
        "A copy is far nearer to one training picture than to all others. A blurred drawing is near"
        " to many, so that its distance alone says little."
    )
    return " ".join(sentences)


def _figure(
    test: CaptionedImages, drawn: np.ndarray, found: Mapping[str, Nearest], train: SplitImages
) -> Image.Image:
    """A row for each drawing, with its nearest training picture in each space."""
    rows = [
        Row(
            test.captions[k],
            [
                Cell(enlarged(drawn[k], SIDE)),
                *(
                    Cell(enlarged(train.images[one.index[k]], SIDE), f"{one.distance[k]:.3f}")
                    for one in found.values()
                ),
            ],
        )
        for k in range(min(SHOWN, len(drawn)))
    ]
    return sheet([rows], ["drawing", *(f"nearest by {space}" for space in found)])
