"""How good a captioner's captions are: BLEU-4 and CIDEr, and on scenes how often they are right."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from rich.progress import track

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import read_split_records
from pipelines.data.prepared.tfrecords import parse_batch
from pipelines.data.scenes.caption_parser import read_caption
from pipelines.data.scenes.world import Scene
from pipelines.sampling.captioner import BATCH, Captioner
from t2i_tf.errors import UserError
from t2i_tf.metrics.caption_overlap import bleu, cider


@dataclass(frozen=True)
class CaptionerScores:
    """Scores of the captions that a captioner wrote for the images of a split."""

    pictures: int
    bleu_4: float  # 0 to 1
    cider: float | None  # CIDEr-D, 0 to 10; None for a single image, for which it is always 0
    named: dict[str, float | None] | None
    """Share of images whose object, colour, place and background the caption names correctly; the
    colour's share is over coloured objects. None where the records do not describe a scene."""


def score_captioner(
    captioner: Captioner, folder: DataFolder, split: str, limit: int | None = None
) -> CaptionerScores:
    """Caption the images of a split, and score the captions against the split's own.

    Args:
        captioner: Captioner trained on images of this size.
        folder: Data folder.
        split: Split whose images are captioned.
        limit: Number of images, the first of the split; None takes all.

    Raises:
        UserError: the split is missing or empty, or its images have another size.
    """
    captions, references, scenes = [], [], []
    count = min(folder.split(split).examples, limit or folder.split(split).examples)
    if not count:
        raise UserError(f"{folder.path}, split {split!r}: expected pictures, found none.")
    records = read_split_records(folder, split).take(count).batch(BATCH)
    for serialized in track(records, "Captioning", total=-(-count // BATCH), transient=True):
        batch = parse_batch(serialized, folder.shape)
        captions += [described.caption for described in captioner.describe(batch["image"].numpy())]
        references += [
            [caption.decode() for caption in image] for image in batch["captions"].to_list()
        ]
        scenes += map(_scene, batch["attributes"].numpy())
    return CaptionerScores(
        pictures=count,
        bleu_4=bleu(captions, references, captioner.vocabulary),
        cider=cider(captions, references, captioner.vocabulary) if count > 1 else None,
        named=None if None in scenes else named_right(captions, scenes),
    )


def named_right(captions: Sequence[str], scenes: Sequence[Scene]) -> dict[str, float | None]:
    """Share of captions that name each attribute of their scenes right; None where none has it."""
    right = [
        read_caption(caption).right(scene) for caption, scene in zip(captions, scenes, strict=True)
    ]
    coloured = [named for named, scene in zip(right, scenes, strict=True) if scene.colour]
    shares = {name: _share([named[name] for named in right]) for name in right[0]}
    return shares | {"colour": _share([named["colour"] for named in coloured])}


def _share(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None


def _scene(attributes: bytes) -> Scene | None:
    """The scene that a record describes; None where it describes none."""
    try:
        return msgspec.json.decode(attributes, type=Scene)
    except msgspec.DecodeError:
        return None
