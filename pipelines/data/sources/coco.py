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
from urllib.parse import unquote, urlsplit

import msgspec

from pipelines.data.sources.assembly.assemble import SEVERAL_NAMES
from pipelines.data.sources.assembly.caption_text import clean_captions
from pipelines.data.sources.assembly.copies import find_copies
from pipelines.data.sources.assembly.picture_lookup import PictureLookup
from pipelines.data.sources.assembly.split_choice import (
    Division,
    add_validation,
    divide,
    split_named,
)
from pipelines.data.sources.example import Example
from pipelines.data.sources.notes import Notes
from t2i_tf.errors import UserError
from t2i_tf.json_files import read_json

ORPHANS = "Captions of pictures that the file does not list, left out"
NAMED_BY_ADDRESS = "Pictures without a `file_name`, named as their `coco_url` ends"
REPEATED = "Entries that repeat an earlier entry of the same picture, read once"


class CocoImage(msgspec.Struct):
    """An entry of `images`; without a `file_name`, its address names the file."""

    id: int | str
    file_name: str = ""
    coco_url: str = ""
    attributes: dict[str, Any] = {}


class CocoAnnotation(msgspec.Struct):
    """An entry of `annotations`."""

    image_id: int | str
    caption: str | None


class CocoCaptions(msgspec.Struct):
    """The parts of an annotations file that are read here."""

    images: list[CocoImage]
    annotations: list[CocoAnnotation]


class CocoSource:
    """Pictures and captions of a folder in COCO's layout, sorted by picture id.

    Args:
        root: Folder with `annotations/` and the folders of pictures.
        year: "2014" or "2017"; needed only if the folder has both.
        division: How validation pictures are drawn if there are none, and all splits if it
            replaces the official ones.

    Raises:
        UserError: there is no annotations file, or more than one for a split.
    """

    def __init__(
        self, root: str | Path, *, year: str | None = None, division: Division | None = None
    ):
        self.root, self.notes = Path(root), Notes()
        self.annotations = find_annotations(self.root, year)
        self.name = "scenes" if self._scenes_file.is_file() else "coco"
        self._division = division or Division()

    @property
    def _scenes_file(self) -> Path:
        return self.root / "scenes.json"

    def splits(self) -> Mapping[str, list[Example]]:
        """The examples of every split, including pictures without a caption.

        Raises:
            UserError: a file or folder is missing, a file has another schema, two pictures have
                one id, or a picture is in two splits.
        """
        self.notes.clear()
        splits = {
            split: read_split(self.root, file, self.notes)
            for split, file in self.annotations.items()
        }
        refuse_pictures_in_two_splits(splits)
        if self._division.replaces:
            splits = self._divided_anew(splits)
        add_validation(splits, self._division, self.notes)
        return splits

    def _divided_anew(self, splits: Mapping[str, list[Example]]) -> dict[str, list[Example]]:
        self.notes.say("The official splits are replaced by --splits")
        examples = [example for split in splits.values() for example in split]
        pictures = {str(example.picture): Path(str(example.picture)) for example in examples}
        copies = find_copies(pictures, self.notes)
        chosen = divide(pictures, self._division, self.notes, copies)
        anew: dict[str, list[Example]] = {"train": [], "val": [], "test": []}
        for example in examples:
            anew[chosen[str(example.picture)]].append(example)
        return anew

    def facts(self) -> Mapping[str, Any]:
        """The names of the annotations files, and the contents of `scenes.json` if there is one."""
        scenes = read_json(self._scenes_file, dict) if self._scenes_file.is_file() else {}
        anew = self._division.facts() if self._division.replaces else {}
        return {**scenes, **anew, "annotations": [file.name for file in self.annotations.values()]}


def annotations_files(root: Path, year: str | None = None) -> list[Path]:
    """The files `captions_*.json` of a folder, in `annotations/` or else in the folder itself."""
    pattern = f"captions_*{year or ''}.json"
    return sorted((root / "annotations").glob(pattern)) or sorted(root.glob(pattern))


def find_annotations(root: Path, year: str | None) -> dict[str, Path]:
    """The annotations file of each split.

    Raises:
        UserError: there is none, or more than one for a split.
    """
    found: dict[str, Path] = {}
    for file in annotations_files(root, year):
        name = re.sub(r"\d{4}$", "", folder_name(file))
        split = split_named(name) or name
        if split in found:
            raise UserError(
                f"{root}: both {found[split].name} and {file.name} describe the split {split!r}."
                " Give the year to use, with --year."
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


def read_split(root: Path, annotations: Path, notes: Notes) -> list[Example]:
    """The examples of one annotations file, sorted by picture id.

    Raises:
        UserError: the file has another schema, two pictures have one id, or the folder of its
            pictures is missing.
    """
    described = read_json(annotations, CocoCaptions)
    images = images_by_id(described.images, annotations, notes)
    captions = captions_by_picture(described.annotations, images, annotations, notes)
    folder = folder_name(annotations)
    bases = [root / folder, root / "images" / folder, root, root / "images"]
    lookup = PictureLookup(bases, root, notes)
    paths = {id: lookup.find(image.file_name) for id, image in images.items()}
    if images and not bases[0].is_dir() and not any(path.is_file() for path in paths.values()):
        raise UserError(
            f"{annotations} describes pictures of the folder {bases[0]}, which does not exist."
            " Put the pictures there."
        )
    first_ids = merge_ids_of_one_file(paths, captions, lookup, notes)
    return [
        Example(
            str(id),
            paths[id],
            clean_captions(captions[id], notes, images[id].file_name),
            images[id].attributes,
            name_below(root, paths[id]),
        )
        for id in first_ids
    ]


def name_below(root: Path, path: Path) -> str:
    """A path relative to the folder of the data set, if it is in it."""
    return path.relative_to(root).as_posix() if root in path.parents else str(path)


def images_by_id(
    images: Iterable[CocoImage], annotations: Path, notes: Notes
) -> dict[int | str, CocoImage]:
    """The pictures by id, sorted; UserError if two have one id, or one has no name."""
    found: dict[int | str, CocoImage] = {}
    for image in images:
        if not image.file_name:
            image.file_name = name_by_address(image, annotations, notes)
        first = found.setdefault(as_id(image.id), image)
        if first.file_name != image.file_name:
            raise UserError(
                f"{annotations}: the id {image.id} belongs to two pictures, {first.file_name!r} and"
                f" {image.file_name!r}, so that their captions cannot be distinguished. Give each"
                " picture an id of its own, as files that are merged need."
            )
        if first is not image:
            notes.count(REPEATED, image.file_name)
    return dict(sorted(found.items(), key=lambda one: (isinstance(one[0], str), one[0])))


def as_id(id: int | str) -> int | str:
    """An id as a number if it is one, so that "7" is the same as 7."""
    return int(id) if isinstance(id, str) and re.fullmatch(r"0|[1-9][0-9]{0,17}", id) else id


def name_by_address(image: CocoImage, annotations: Path, notes: Notes) -> str:
    """The file name at the end of a picture's address; UserError if it has none."""
    name = unquote(urlsplit(image.coco_url).path.rpartition("/")[2])
    if not name:
        raise UserError(
            f"{annotations}: the picture with the id {image.id!r} has no `file_name`. Fill it in."
        )
    notes.count(NAMED_BY_ADDRESS, name)
    return name


def captions_by_picture(
    annotations: Iterable[CocoAnnotation],
    images: Mapping[int | str, CocoImage],
    file: Path,
    notes: Notes,
) -> defaultdict[int | str, list[str]]:
    """The captions of each picture by its id; those of unknown pictures are counted."""
    captions: defaultdict[int | str, list[str]] = defaultdict(list)
    for annotation in annotations:
        id = as_id(annotation.image_id)
        if id in images:
            captions[id].append(annotation.caption or "")
        else:
            notes.count(ORPHANS, f"image_id {annotation.image_id} of {file.name}")
    return captions


def merge_ids_of_one_file(
    paths: Mapping[int | str, Path],
    captions: defaultdict[int | str, list[str]],
    lookup: PictureLookup,
    notes: Notes,
) -> list[int | str]:
    """The first id of each file; it gets the captions of the file's other ids."""
    first: dict[str, int | str] = {}
    for id, path in paths.items():
        kept = first.setdefault(lookup.identity(path), id)
        if kept != id:
            notes.count(SEVERAL_NAMES, f"id {id} is id {kept}")
            captions[kept] += captions[id]
    return list(first.values())


def refuse_pictures_in_two_splits(splits: Mapping[str, Iterable[Example]]) -> None:
    """Raises UserError if one file is in two splits."""
    seen: dict[str, str] = {}
    lookup = PictureLookup([], Path(), Notes())
    for split, examples in splits.items():
        for example in examples:
            path = Path(str(example.picture))
            other = seen.setdefault(lookup.identity(path), split)
            if other != split:
                raise UserError(
                    f"{path} is both in the split {other} and in {split}. Remove it from one of the"
                    " annotations files."
                )
