"""How good a captioner's captions are: BLEU-4 and CIDEr, and on scenes whether they are true."""

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
    """Figures of captions that were written of a split's pictures."""

    pictures: int
    bleu_4: float  # 0 to 1
    cider: float  # CIDEr-D, 0 to 10
    named: dict[str, float | None] | None
    """Share of pictures whose object, colour, place and background the caption names right; the
    colour, of coloured objects alone. None where the data do not tell their scenes."""


def score_captioner(
    captioner: Captioner, folder: DataFolder, split: str, limit: int | None = None
) -> CaptionerScores:
    """Describe the pictures of a split and compare with what people, or the data, say.

    Args:
        captioner: of a model trained on pictures of this size.
        limit: the first so many pictures; all of them where None.

    Raises:
        UserError: no such split, no pictures in it, or pictures of another size.
    """
    captions, references, scenes = [], [], []
    count = min(folder.split(split).examples, limit or folder.split(split).examples)
    if not count:
        raise UserError(f"{folder.path}, split {split!r}: expected pictures, found none.")
    records = read_split_records(folder, split).take(count).batch(BATCH)
    for serialized in track(records, "Captioning", total=-(-count // BATCH), transient=True):
        batch = parse_batch(serialized, folder.shape)
        captions += [one.caption for one in captioner.describe(batch["image"].numpy())]
        references += [[c.decode() for c in of_one] for of_one in batch["captions"].to_list()]
        scenes += map(_scene, batch["attributes"].numpy())
    return CaptionerScores(
        pictures=count,
        bleu_4=bleu(captions, references),
        cider=cider(captions, references),
        named=None if None in scenes else named_right(captions, scenes),
    )


def named_right(captions: Sequence[str], scenes: Sequence[Scene]) -> dict[str, float | None]:
    """Share of captions that name each attribute of their scenes right; None where none has it."""
    right = [
        read_caption(caption).right(scene) for caption, scene in zip(captions, scenes, strict=True)
    ]
    coloured = [one["colour"] for one, scene in zip(right, scenes, strict=True) if scene.colour]
    shares = {name: _share([one[name] for one in right]) for name in right[0]}
    return shares | {"colour": _share(coloured)}


def _share(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None


def _scene(attributes: bytes) -> Scene | None:
    """The scene that a record tells of; None where it tells none."""
    try:
        return msgspec.json.decode(attributes, type=Scene)
    except msgspec.DecodeError:
        return None
