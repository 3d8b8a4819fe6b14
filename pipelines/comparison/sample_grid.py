"""The sample grid: what every system draws for the same captions, without selection."""

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
CAPTIONS_PER_SPLIT = 4
REAL_PICTURE = "Real picture"  # title of the first row


class SampleGrid(NamedTuple):
    """A grid of images: a column for each caption, a row for each system."""

    captions: list[str]
    splits: list[str]  # the split of each caption
    rows: Mapping[str, Sequence[np.ndarray]]  # title -> images, uint8 [H, W, C]


EMPTY_GRID = SampleGrid([], [], {})


def draw_sample_grid(
    folder: DataFolder,
    workdirs: Sequence[Path],
    *,
    sharpen: Path | None = None,
    sharpened: int = 0,
    seed: int = 0,
) -> SampleGrid:
    """Draw the first captions of the splits that training does not use.

    Args:
        folder: the data folder.
        workdirs: work folders of the systems, in the order of their rows.
        sharpen: work folder of a sharpener.
        sharpened: index of the system whose drawings are sharpened, in the last row.
        seed: seed of every drawing.

    Returns:
        The real images of the captions in the first row, then a row for each system.
    """
    max_words = min(read_config(workdir).max_words for workdir in workdirs)
    captions, splits, images = [], [], []
    for split in SPLITS:
        if split not in folder.manifest.splits:
            continue
        for caption, image in first_captions(folder, split, CAPTIONS_PER_SPLIT, max_words):
            captions.append(caption)
            splits.append(split)
            images.append(image)
    if not captions:
        return EMPTY_GRID
    drawn = draw_rows(workdirs, captions, sharpen=sharpen, sharpened=sharpened, seed=seed)
    return SampleGrid(captions, splits, {REAL_PICTURE: images} | drawn)


def first_captions(
    folder: DataFolder, split: str, count: int, max_words: int
) -> list[tuple[str, np.ndarray]]:
    """A caption of at most `max_words` words for each of the first images that have one.

    For image k the search begins at its k-th caption, so that different wordings are shown.
    """
    pairs = []
    read = read_images(folder, split, 20 * count)
    for k, (captions, image) in enumerate(zip(read.captions, read.images, strict=True)):
        start = k % len(captions)
        rotated = [*captions[start:], *captions[:start]]
        counts = [len(split_words(caption, folder.vocabulary)) for caption in rotated]
        short = [c for c, n in zip(rotated, counts, strict=True) if 0 < n <= max_words]
        if short:
            pairs.append((short[0], image))
    return pairs[:count]
