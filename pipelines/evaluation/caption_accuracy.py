"""How often drawings show what their captions say, according to the judge of the data folder.

One protocol for every command: captions of the lengths that the run was trained on, one for each
image of a split; one drawing of each caption, drawn as images alone; the mean over images for each
attribute, with its interval. The judge's accuracy on the real images is the most that can be
measured.
"""

from collections.abc import Sequence

import numpy as np

from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import CaptionedImages, read_captioned_images
from pipelines.evaluation.estimate import bootstrap_estimate
from pipelines.evaluation.results import Accuracies, CaptionAccuracy
from pipelines.evaluation.settings import POOL
from pipelines.judges.label_judge import Judge, SceneLabel, open_label_judge, read_label
from pipelines.sampling.sampler import Sampler
from t2i_tf.errors import UserError

SEEN, HELD_OUT = "test", "held_out"  # splits: new images of seen compositions, of unseen ones


def measure_caption_accuracy(
    sampler: Sampler,
    folder: DataFolder,
    lengths: LengthRange,
    *,
    split: str = SEEN,
    pictures: int = 250,
    seed: int = 0,
) -> CaptionAccuracy | None:
    """Draw captions of seen and of held-out compositions, and judge the drawings.

    Args:
        sampler: Sampler of a system trained on `folder`.
        folder: Data folder of the scenes or of MNIST with captions.
        lengths: Lengths of the captions that the system was trained on.
        split: Split with images of seen compositions that training did not use.
        pictures: Drawings of each kind of composition; the judge is measured on up to twice as many
            real images of `split`.
        seed: Seed of the first drawing; each drawing has the next.

    Returns:
        None where the records do not say what their images show.
    """
    test = read_captioned_images(folder, split, POOL, lengths).first(2 * pictures)
    labels = find_labels(test, folder)
    if labels is None:
        return None
    judge = open_label_judge(folder, labels[0])
    seen = _drawn_accuracy(sampler, judge, test.first(pictures), labels[:pictures], seed, "seen")
    on_real = judged_accuracy(judge, test.images, labels)
    if HELD_OUT not in folder.manifest.splits:
        return CaptionAccuracy(seen=seen, judge=on_real)
    held_out = read_captioned_images(folder, HELD_OUT, pictures, lengths)
    held_out_labels = [read_label(attributes, folder) for attributes in held_out.attributes]
    return CaptionAccuracy(
        seen=seen,
        held_out=_drawn_accuracy(
            sampler, judge, held_out, held_out_labels, seed + pictures, "held-out"
        ),
        judge=on_real,
        judge_held_out=judged_accuracy(judge, held_out.images, held_out_labels),
    )


def find_labels(images: CaptionedImages, folder: DataFolder) -> list[SceneLabel] | None:
    """What images show according to their records; None where these do not say."""
    try:
        return [read_label(attributes, folder) for attributes in images.attributes]
    except UserError:
        return None


def judged_accuracy(judge: Judge, images: np.ndarray, labels: Sequence[SceneLabel]) -> Accuracies:
    """How often images show what their labels say, by attribute.

    An image counts once, with the share of its answers that are right: one with two digits counts
    as much as one with a single digit. Images without an attribute do not count for it.

    Args:
        judge: Judge of the data folder.
        images: uint8 [n, H, W, C].
        labels: What each image should show, [n].

    Returns:
        An estimate for each attribute, None where no image has it.
    """
    judged = judge.judge(images)
    rows = [judge.accuracy([got], [label]) for got, label in zip(judged, labels, strict=True)]
    columns = {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]}
    counted = {name: right[~np.isnan(right)] for name, right in columns.items()}
    return {
        name: bootstrap_estimate(right) if len(right) else None for name, right in counted.items()
    }


def _drawn_accuracy(
    sampler: Sampler,
    judge: Judge,
    captioned: CaptionedImages,
    labels: Sequence[SceneLabel],
    seed: int,
    kind: str,
) -> Accuracies:
    """The accuracy of one drawing of each caption."""
    seeds = seed + np.arange(len(captioned.captions))
    drawn = sampler.draw_images(captioned.captions, seeds, f"Drawing {kind} captions")
    return judged_accuracy(judge, drawn.images, labels)
