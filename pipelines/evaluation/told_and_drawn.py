"""How often drawings show what their captions say, with intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import CaptionedImages, read_captioned_images
from pipelines.evaluation.caption_accuracy import HELD_OUT
from pipelines.evaluation.estimate import estimate
from pipelines.judges.open_judge import Judge, SceneLabel, open_judge, read_label
from pipelines.sampling.sampler import Sampler
from t2i_tf.errors import UserError


def measure_told_and_drawn(
    sampler: Sampler,
    folder: DataFolder,
    test: CaptionedImages,
    *,
    lengths: LengthRange,
    pictures: int = 250,
    seed: int = 0,
) -> dict[str, Any] | None:
    """Draw captions of seen and of held-out compositions, a seed each, and judge the drawings.

    Args:
        sampler: of a system trained on `folder`.
        test: pictures of seen compositions.
        lengths: of captions.
        pictures: drawn of each kind.
        seed: of the first picture.

    Returns:
        `seen` and `held_out`, and how often the judge is right about the real pictures of both,
        the most that can be measured: `judge` and `judge_held_out`. Each has a figure of every
        attribute; those of held-out compositions are None where the data have no such split. None
        altogether where the data do not tell what their pictures show.
    """
    try:
        shown = read_label(test.attributes[0], folder)
    except UserError:
        return None
    judging = open_judge(folder, shown)

    def judged(images: np.ndarray, told: CaptionedImages):
        wanted = [read_label(attributes, folder) for attributes in told.attributes]
        return right_figures(judging, judging.judge(images), wanted)

    def drawn(told: CaptionedImages, first: int, what: str):
        seeds = first + np.arange(len(told.captions))
        return judged(sampler.draw_images(told.captions, seeds, what).images, told)

    held_out = None
    if HELD_OUT in folder.manifest.splits:
        held_out = read_captioned_images(folder, HELD_OUT, pictures, lengths)
    return {
        "seen": drawn(test.first(pictures), seed, "Drawing seen captions"),
        "held_out": held_out and drawn(held_out, seed + pictures, "Drawing held-out captions"),
        "judge": judged(test.images, test),
        "judge_held_out": held_out and judged(held_out.images, held_out),
    }


def right_figures(
    judging: Judge, judged: Sequence[SceneLabel], wanted: Sequence[SceneLabel]
) -> dict[str, Any]:
    """The mean share of right answers, a figure of each attribute; None where nothing was asked.

    A picture counts once, with the share of its answers that are right, where something is asked of
    it: so a picture with two digits counts as much as one with one.
    """
    each = [judging.accuracy([got], [want]) for got, want in zip(judged, wanted, strict=True)]
    found = {name: np.array([one[name] for one in each], np.float64) for name in each[0]}
    asked = {name: right[~np.isnan(right)] for name, right in found.items()}
    return {name: estimate(right) if len(right) else None for name, right in asked.items()}
