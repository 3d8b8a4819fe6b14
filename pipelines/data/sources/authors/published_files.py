"""Which of the authors' files hold what, by their names.

    train-images-32x32.npy    images float [n, 3072] in [0, 1], channel by channel; 56x56 too
    train-captions.npy        words by id, int [5 n, 57], 0 after the last
    train-captions-len.npy    number of words, int [5 n, 1]
    train-cap2im.pkl          image of each caption, k // 5 for caption k
    dictionary.pkl            id of each word

and likewise for dev and test. Arrays may be npy, npz, HDF5 or pickled, alone or several in a file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.data.sources.assembly.split_choice import split_named
from t2i_tf.authors.array_files import read_named
from t2i_tf.authors.authors_weights import image_sides
from t2i_tf.authors.dictionary import DICTIONARY, Dictionary, read_dictionary
from t2i_tf.errors import UserError

EXTENSIONS = (".npy", ".npz", ".h5", ".hdf5", ".pkl", ".pickle")
_LENGTHS = {"len", "lens", "length", "lengths", "caplen"}


@dataclass
class Found:
    """One array or list, and the file that it is from, for errors."""

    where: str
    value: Any


@dataclass
class SplitFiles:
    """What was found of a split: images by their side, and the rest by its kind."""

    images: dict[int, Found] = field(default_factory=dict)
    others: dict[str, Found] = field(default_factory=dict)


def is_published(folder: Path) -> bool:
    """Whether a folder has images and captions in files of the authors' names."""
    kinds = {kind for path in candidates(folder) for _, kind in [classify(path.stem)]}
    return {"images", "captions"} <= kinds


def candidates(place: Path) -> list[Path]:
    """The files of a folder that may be the authors', or the one file."""
    paths = sorted(place.iterdir()) if place.is_dir() else [place]
    return [path for path in paths if path.suffix.lower() in EXTENSIONS and path.is_file()]


def classify(name: str) -> tuple[str | None, str | None]:
    """The split and the kind that a name tells: images, captions, lengths or cap2im, or None."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    split = next((found for found in map(split_named, words) if found), None)
    if "cap2im" in words:
        return split, "cap2im"
    if _LENGTHS & set(words):
        return split, "lengths"
    kinds = [word for word in words if word in ("captions", "images")]
    return split, kinds[-1] if kinds else None


def find_splits(place: Path) -> dict[str | None, SplitFiles]:
    """The arrays of each split; None is the split of names that tell none.

    Raises:
        UserError: there are none, some are missing, or a file cannot be read.
    """
    splits: dict[str | None, SplitFiles] = {}
    for name, found in _entries(place):
        split, kind = classify(name)
        if kind is None:
            continue
        files = splits.setdefault(split, SplitFiles())
        if kind == "images":
            side = _side(found)
            _refuse_second(files.images.get(side), found)
            files.images[side] = found
        else:
            _refuse_second(files.others.get(kind), found)
            files.others[kind] = found
    for split, files in splits.items():
        _refuse_missing(place, split, files)
    if not splits:
        raise UserError(
            f"{place}: expected the authors' arrays, such as train-images-32x32.npy and"
            " train-captions.npy, got none of such names."
        )
    return splits


def find_dictionary(place: Path) -> Dictionary:
    """The dictionary beside the arrays; UserError if there is none."""
    folder = place if place.is_dir() else place.parent
    path = folder / DICTIONARY
    if not path.is_file():
        raise UserError(f"{folder}: expected {DICTIONARY}, the authors' words, beside the arrays.")
    return read_dictionary(path)


def _entries(place: Path) -> Iterator[tuple[str, Found]]:
    """Every array by its name, which begins with that of its file."""
    paths = candidates(place)
    named = [path for path in paths if classify(path.stem)[1]]
    for path in named or [path for path in paths if path.name != DICTIONARY]:
        values = read_named(path)
        for key, value in values.items():
            alone = len(values) == 1
            yield f"{path.stem} {key}", Found(str(path) if alone else f"{path}, {key}", value)


def _side(found: Found) -> int:
    """The side of the images, pixels; UserError if it is no array of images."""
    array = found.value
    fits = isinstance(array, np.ndarray) and array.ndim == 2 and array.dtype.kind == "f"
    sides = image_sides(array.shape[1]) if fits else None
    if sides is None:
        raise UserError(
            f"{found.where}: expected images as floats of the shape (n, channels x side x side),"
            f" such as (n, 3072), got {shown(array)}."
        )
    return sides[0]


def _refuse_second(first: Found | None, second: Found) -> None:
    if first is not None:
        raise UserError(
            f"{first.where} and {second.where} are of the same split and kind. Remove one of them."
        )


def _refuse_missing(place: Path, split: str | None, files: SplitFiles) -> None:
    kinds = {"images": files.images, "captions": files.others.get("captions")}
    missing = [kind for kind, found in kinds.items() if not found]
    if missing:
        there = next(iter([*files.images.values(), *files.others.values()]))
        raise UserError(
            f"{place}: expected {missing[0]} of the split {split or 'train'} beside"
            f" {Path(there.where).name}, got none. Copy the missing file."
        )


def shown(value: Any) -> str:
    """What a value is, for errors: shape and dtype of an array."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} with the shape {value.shape}"
    return f"a {type(value).__name__}"
