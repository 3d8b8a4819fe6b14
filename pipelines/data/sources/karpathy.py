"""Andrej Karpathy's `dataset_coco.json`, `dataset_flickr8k.json` and `dataset_flickr30k.json`.

They have the captions and the splits that most publications use. Those of Flickr have no folders
and no COCO ids.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from pipelines.data.sources.assembly.assemble import Row, RowSource
from pipelines.data.sources.assembly.split_choice import Division
from pipelines.data.sources.notes import Notes
from pipelines.data.sources.tables.split_cells import split_in_cell
from t2i_tf.errors import UserError
from t2i_tf.json_files import read_json


class Sentence(msgspec.Struct):
    """One caption: as it was written, or only its words."""

    raw: str | None = None
    tokens: list[str] = []

    @property
    def text(self) -> str:
        """The caption."""
        return " ".join(self.tokens) if self.raw is None else self.raw


class Image(msgspec.Struct):
    """One picture; COCO's have a `cocoid` and the folder `filepath`."""

    filename: str
    split: str
    sentences: list[Sentence]
    cocoid: int | None = None
    filepath: str = ""


class Dataset(msgspec.Struct):
    """The parts of a file that are read here."""

    images: list[Image]


class KarpathySource(RowSource):
    """Pictures with the captions and splits of one of Karpathy's files.

    Args:
        root: Folder with the pictures, or with `train2014` and `val2014`.
        file: `dataset_coco.json` or one of the others.
        division: How validation pictures are drawn if there are none.
    """

    def __init__(self, root: Path, file: Path, division: Division):
        self._file = file
        super().__init__(
            self._rows,
            [root, root / "images", root / "Images", file.parent],
            root,
            division,
            name="coco" if "coco" in file.stem else "folder",
            facts={"annotations": [file.name]},
            ordered=True,
        )

    def _rows(self, notes: Notes) -> Iterable[Row]:
        images = read_json(self._file, Dataset).images
        numbered = enumerate(images)
        if all(image.cocoid is not None for image in images):
            numbered = sorted(numbered, key=lambda entry: entry[1].cocoid or 0)
        return [row_of_image(image, index, self._file) for index, image in numbered]


def row_of_image(image: Image, index: int, file: Path) -> Row:
    """The row of entry `index`."""
    return Row(
        file=f"{image.filepath}/{image.filename}" if image.filepath else image.filename,
        captions=tuple(sentence.text for sentence in image.sentences),
        where=f"{file}: `$.images[{index}]`",
        split=split_in_cell(image.split),
        id=None if image.cocoid is None else str(image.cocoid),
    )


def is_karpathy(file: Path) -> bool:
    """Whether a file has the schema of Karpathy's, with at least one caption."""
    try:
        images = read_json(file, Dataset).images
    except UserError:
        return False
    return any(one.tokens or one.raw is not None for image in images for one in image.sentences)
