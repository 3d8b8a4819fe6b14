"""Captioned pictures in COCO's layout: the official downloads, and other folders that follow it.

    ROOT/annotations/captions_train2014.json     ROOT/train2014/COCO_train2014_000000000009.jpg
    ROOT/annotations/captions_val2014.json       ROOT/val2014/...

`captions_NAME.json` describes the pictures of the folder `NAME`; NAME without its year is the
split. A folder made by this project's scene generator has the same layout without years, and a
`scenes.json` that describes it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pipelines.data.sources.example import Example
from t2i_tf.errors import UserError
from t2i_tf.json_files import read_json

CAPTIONS_PER_PICTURE = 5  # as in the paper; COCO has six or seven for some pictures

KARPATHY_SPLITS = {"train": "train", "restval": "train", "val": "val", "test": "test"}


class CocoImage(msgspec.Struct):
    """An entry of `images`."""

    id: int
    file_name: str
    attributes: dict[str, Any] = {}


class CocoAnnotation(msgspec.Struct):
    """An entry of `annotations`."""

    image_id: int
    caption: str


class CocoCaptions(msgspec.Struct):
    """The parts of an annotations file that are read here."""

    images: list[CocoImage]
    annotations: list[CocoAnnotation]


class KarpathySentence(msgspec.Struct):
    """One caption of `dataset_coco.json`."""

    raw: str


class KarpathyImage(msgspec.Struct):
    """One picture of `dataset_coco.json`."""

    cocoid: int
    filepath: str
    filename: str
    split: str
    sentences: list[KarpathySentence]


class KarpathyDataset(msgspec.Struct):
    """The parts of Andrej Karpathy's `dataset_coco.json` that are read here."""

    images: list[KarpathyImage]


class CocoSource:
    """Pictures and captions of a folder in COCO's layout, sorted by picture id.

    Args:
        root: Folder with `annotations/` and the folders of pictures.
        year: "2014" or "2017"; needed only if the folder has both.
        karpathy: Path of `dataset_coco.json`, whose splits and captions replace the official ones.

    Raises:
        UserError: there is no annotations file, or more than one for a split.
    """

    def __init__(
        self, root: str | Path, *, year: str | None = None, karpathy: str | Path | None = None
    ):
        self.root = Path(root)
        self.karpathy = Path(karpathy) if karpathy else None
        self.annotations = {} if karpathy else find_annotations(self.root, year)
        self.name = "scenes" if self._scenes_file.is_file() else "coco"

    @property
    def _scenes_file(self) -> Path:
        return self.root / "scenes.json"

    def splits(self) -> Mapping[str, list[Example]]:
        """The examples of every split, including pictures without a caption.

        Raises:
            UserError: a file or folder is missing, or a file has another schema.
        """
        if self.karpathy:
            return karpathy_splits(self.root, read_json(self.karpathy, KarpathyDataset))
        return {split: read_split(self.root, file) for split, file in self.annotations.items()}

    def facts(self) -> Mapping[str, Any]:
        """The names of the annotations files, and the contents of `scenes.json` if there is one."""
        files = [self.karpathy] if self.karpathy else self.annotations.values()
        scenes = read_json(self._scenes_file, dict) if self._scenes_file.is_file() else {}
        return {**scenes, "annotations": [file.name for file in files]}


def find_annotations(root: Path, year: str | None) -> dict[str, Path]:
    """The annotations file of each split.

    Raises:
        UserError: there is none, or more than one for a split.
    """
    found: dict[str, Path] = {}
    for file in sorted((root / "annotations").glob(f"captions_*{year or ''}.json")):
        split = re.sub(r"\d{4}$", "", folder_name(file))
        if split in found:
            raise UserError(
                f"{root}: both {found[split].name} and {file.name} describe the split {split!r}."
                " Give the year to use."
            )
        found[split] = file
    if not found:
        raise UserError(
            f"{root}: expected annotations/captions_train{year or '2014'}.json (COCO's layout),"
            " but there is no such file. Give the folder that contains `annotations`."
        )
    return found


def folder_name(annotations: Path) -> str:
    """The name of an annotations file's picture folder: captions_train2014.json -> train2014."""
    return annotations.stem.removeprefix("captions_")


def read_split(root: Path, annotations: Path) -> list[Example]:
    """The examples of one annotations file, sorted by picture id.

    Raises:
        UserError: the file has another schema, or the folder of its pictures is missing.
    """
    described = read_json(annotations, CocoCaptions)
    pictures = root / folder_name(annotations)
    if described.images and not pictures.is_dir():
        raise UserError(
            f"{annotations} describes pictures of the folder {pictures}, which does not exist."
            " Put the pictures there."
        )
    captions = captions_by_picture(described.annotations)
    return [
        Example(str(image.id), pictures / image.file_name, captions[image.id], image.attributes)
        for image in sorted(described.images, key=lambda image: image.id)
    ]


def captions_by_picture(annotations: Iterable[CocoAnnotation]) -> Mapping[int, tuple[str, ...]]:
    """The first captions of each picture by its id; () for a picture without captions."""
    captions: dict[int, tuple[str, ...]] = defaultdict(tuple)
    for annotation in annotations:
        captions[annotation.image_id] += clean_captions([annotation.caption])
    return defaultdict(
        tuple, {picture: texts[:CAPTIONS_PER_PICTURE] for picture, texts in captions.items()}
    )


def clean_captions(captions: Iterable[str]) -> tuple[str, ...]:
    """The first five nonempty captions, without surrounding white space."""
    stripped = (caption.strip() for caption in captions)
    return tuple(caption for caption in stripped if caption)[:CAPTIONS_PER_PICTURE]


def karpathy_splits(root: Path, dataset: KarpathyDataset) -> Mapping[str, list[Example]]:
    """Train (with restval), val and test of `dataset_coco.json`, each sorted by picture id.

    Raises:
        UserError: an image has an unknown split.
    """
    splits: dict[str, list[Example]] = {"train": [], "val": [], "test": []}
    for index, image in sorted(enumerate(dataset.images), key=lambda entry: entry[1].cocoid):
        if image.split not in KARPATHY_SPLITS:
            raise UserError(
                f"Wrong schema: `$.images[{index}].split`: expected one of"
                f" {', '.join(KARPATHY_SPLITS)}, got {image.split!r}."
            )
        splits[KARPATHY_SPLITS[image.split]].append(
            Example(
                str(image.cocoid),
                root / image.filepath / image.filename,
                clean_captions(sentence.raw for sentence in image.sentences),
            )
        )
    return splits
