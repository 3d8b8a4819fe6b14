"""How often drawn pictures show what their captions say, as told by the judge of their data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import read_split_records
from pipelines.data.prepared.tfrecords import parse_batch
from pipelines.judges.open_judge import Judge, SceneLabel, open_judge, read_label
from pipelines.sampling.sampler import Sampler

SEEN, HELD_OUT = "test", "held_out"  # splits: new pictures of seen compositions, unseen ones

Fractions = Mapping[str, float]  # by attribute, each from 0 to 1


@dataclass(frozen=True)
class CaptionAccuracy:
    """Fractions of right answers by attribute; NaN where nothing was asked."""

    judge: Fractions  # on real test pictures: the most that can be measured
    seen: Fractions
    held_out: Fractions


@dataclass(frozen=True)
class Told:
    """What a picture shows, a caption that tells it, and the picture."""

    scene: SceneLabel
    caption: str
    image: np.ndarray  # uint8 [H, W, C]


def caption_accuracy(
    sampler: Sampler, folder: DataFolder, *, pictures: int = 250, seed: int = 0
) -> CaptionAccuracy:
    """Draw captions of seen and of held-out compositions, a seed each, and judge what came out.

    Args:
        sampler: of a model trained on `folder`.
        folder: data folder of the scenes, or of MNIST with captions.
        pictures: drawn of each kind; twice as many real ones measure the judge.
        seed: of the first picture.

    Raises:
        UserError: the folder holds neither.
    """
    real, held_out = read_told(folder, SEEN, 2 * pictures), read_told(folder, HELD_OUT, pictures)
    judging = open_judge(folder, real[0].scene)
    seen = real[:pictures]
    drawn = draw_told(sampler, [*seen, *held_out], seed)
    return CaptionAccuracy(
        judge=_judged(judging, [one.image for one in real], real),
        seen=_judged(judging, drawn[: len(seen)], seen),
        held_out=_judged(judging, drawn[len(seen) :], held_out),
    )


def read_told(folder: DataFolder, split: str, count: int) -> list[Told]:
    """The first pictures of a split, and what they show; their captions take turns: 0, 1, 2, ...

    Raises:
        UserError: the split is missing, or does not tell what its pictures show.
    """
    records = read_split_records(folder, split).take(count).batch(count)
    batch = parse_batch(next(iter(records)), folder.shape)
    rows = zip(
        batch["attributes"].numpy(),
        batch["captions"].to_list(),
        batch["image"].numpy(),
        strict=True,
    )
    return [
        Told(read_label(attributes, folder), captions[k % len(captions)].decode(), image)
        for k, (attributes, captions, image) in enumerate(rows)
    ]


def draw_told(sampler: Sampler, told: Sequence[Told], seed: int = 0) -> list[np.ndarray]:
    """A picture of each caption, uint8 [H, W, C], from the seeds `seed`, `seed` + 1, ..."""
    pairs = [(one.caption, seed + k) for k, one in enumerate(told)]
    return [drawn.image for drawn in sampler.draw_pairs(pairs, description="Drawing captions")]


def _judged(judging: Judge, images: Sequence[np.ndarray], wanted: Sequence[Told]) -> Fractions:
    return judging.accuracy(judging.judge(np.stack(images)), [one.scene for one in wanted])
