"""The qualitative comparison: what every system draws for the same captions, unchosen."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_images
from pipelines.sampling.system_gallery import draw_rows
from t2i_tf.checkpoints import read_config
from t2i_tf.text.tokenizer import split_words

SPLITS = ("test", "held_out")
EACH = 4  # captions of a split
REAL = "Real picture"


class SideBySide(NamedTuple):
    """A column for each caption, a row for each system."""

    captions: list[str]
    splits: list[str]  # of each caption
    rows: Mapping[str, Sequence[np.ndarray]]  # title -> pictures, uint8 [H, W, C]


NOTHING = SideBySide([], [], {})


def side_by_side(
    folder: DataFolder,
    workdirs: Sequence[Path],
    *,
    sharpen: Path | None = None,
    sharpened: int = 0,
    seed: int = 0,
) -> SideBySide:
    """The first captions of the splits that training never saw, their pictures, and drawings.

    Args:
        folder: the data.
        workdirs: of the systems, in the order of their rows.
        sharpen: work folder of a sharpener.
        sharpened: the number of the system whose drawings are sharpened, in the last row.
        seed: of every drawing.
    """
    words = min(read_config(workdir).max_words for workdir in workdirs)
    captions, splits, real = [], [], []
    for split in SPLITS:
        if split not in folder.manifest.splits:
            continue
        for caption, image in first_captions(folder, split, EACH, words):
            captions.append(caption)
            splits.append(split)
            real.append(image)
    if not captions:
        return NOTHING
    drawn = draw_rows(workdirs, captions, sharpen=sharpen, sharpened=sharpened, seed=seed)
    return SideBySide(captions, splits, {REAL: real} | drawn)


def first_captions(
    folder: DataFolder, split: str, count: int, max_words: int
) -> list[tuple[str, np.ndarray]]:
    """Captions of the first pictures of a split that have one of up to `max_words` words.

    The k-th picture's k-th caption is looked at first, so that the wordings take turns.
    """
    found = []
    pictures = read_images(folder, split, 20 * count)
    for k, (captions, image) in enumerate(zip(pictures.captions, pictures.images, strict=True)):
        turned = [*captions[k % len(captions) :], *captions[: k % len(captions)]]
        short = [caption for caption in turned if 0 < len(split_words(caption)) <= max_words]
        if short:
            found.append((short[0], image))
    return found[:count]
