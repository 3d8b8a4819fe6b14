"""How often drawn pictures show what their captions say, as told by the judge of the scenes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from rich.progress import track

from pipelines.data.data_folder import DataFolder
from pipelines.data.scene_world import Scene
from pipelines.data.tfrecords import parse_batch, read_records
from pipelines.drawing.drawer import BATCH, Drawer
from pipelines.evaluation.judge import Judge, accuracy
from t2i_tf.errors import UserError

SEEN, HELD_OUT = "test", "held_out"  # splits: new pictures of seen compositions, unseen ones

Fractions = Mapping[str, float]  # colour, background, object and place, each from 0 to 1


@dataclass(frozen=True)
class CaptionAccuracy:
    """Fractions of right answers by attribute; NaN where nothing was asked."""

    judge: Fractions  # on real test pictures: the most that can be measured
    seen: Fractions
    held_out: Fractions


@dataclass(frozen=True)
class Told:
    """A scene, a caption that tells it, and its picture."""

    scene: Scene
    caption: str
    image: np.ndarray  # uint8 [H, W, 3]


def caption_accuracy(
    drawer: Drawer, folder: DataFolder, *, pictures: int = 250, seed: int = 0
) -> CaptionAccuracy:
    """Draw captions of seen and of held-out compositions, a seed each, and judge what came out.

    Args:
        drawer: of a model trained on `folder`.
        folder: data folder of the scenes.
        pictures: drawn of each kind; twice as many real ones measure the judge.
        seed: of the first picture.

    Raises:
        UserError: the folder does not hold scenes.
    """
    judge = Judge((folder.height, folder.width))
    real, held_out = read_told(folder, SEEN, 2 * pictures), read_told(folder, HELD_OUT, pictures)
    seen = real[:pictures]
    drawn = draw_told(drawer, [*seen, *held_out], seed)
    return CaptionAccuracy(
        judge=_judged(judge, [one.image for one in real], real),
        seen=_judged(judge, drawn[: len(seen)], seen),
        held_out=_judged(judge, drawn[len(seen) :], held_out),
    )


def read_told(folder: DataFolder, split: str, count: int) -> list[Told]:
    """The first pictures of a split, with their scenes; the k-th has its (k mod 5)-th caption.

    Raises:
        UserError: the split is missing or was not made by the scenes.
    """
    records = read_records([shard.path for shard in folder.shards(split)]).take(count).batch(count)
    batch = parse_batch(next(iter(records)), folder.shape)
    rows = zip(
        batch["attributes"].numpy(),
        batch["captions"].to_list(),
        batch["image"].numpy(),
        strict=True,
    )
    return [
        Told(_scene(attributes, folder), captions[k % len(captions)].decode(), image)
        for k, (attributes, captions, image) in enumerate(rows)
    ]


def draw_told(drawer: Drawer, told: Sequence[Told], seed: int = 0) -> list[np.ndarray]:
    """A picture of each caption, uint8 [H, W, 3], from the seeds `seed`, `seed` + 1, ..."""
    pairs = [(one.caption, seed + k) for k, one in enumerate(told)]
    starts = track(range(0, len(pairs), BATCH), "Drawing captions", transient=True)
    return [d.image for k in starts for d in drawer.draw_pairs(pairs[k : k + BATCH])]


def _scene(attributes: bytes, folder: DataFolder) -> Scene:
    try:
        return msgspec.json.decode(attributes, type=Scene)
    except msgspec.DecodeError:
        raise UserError(
            f"{folder.path}: its pictures do not tell their scenes. Expected data prepared from"
            " `python -m pipelines scenes`."
        ) from None


def _judged(judge: Judge, images: Sequence[np.ndarray], wanted: Sequence[Told]) -> Fractions:
    return accuracy(judge.judge(np.stack(images)), [one.scene for one in wanted])
