"""The authors' arrays as a source: images, captions and their words, by split."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.data.sources.assembly.packed_pictures import Packed, PackedSource
from pipelines.data.sources.assembly.split_choice import Division
from pipelines.data.sources.authors.published_files import (
    Found,
    SplitFiles,
    find_dictionary,
    find_splits,
    shown,
)
from pipelines.data.sources.notes import Notes
from t2i_tf.authors.authors_weights import image_sides
from t2i_tf.authors.dictionary import UNKNOWN_WORD, Dictionary
from t2i_tf.errors import UserError

CHUNK = 1024  # images looked at together
ROUNDING = 1e-5  # by which values may lie outside 0 to 1
CAPTIONS_PER_IMAGE = 5

UNKNOWN = f"Words that the authors' dictionary lacked, written as {UNKNOWN_WORD}"
DIVIDED = "Words of the authors that captions are divided into here otherwise"
NO_CAPTION = "Images without a caption, left out"
CUT = "Captions with padding before their given length, cut at the padding"
BY_FIVES = "There is no cap2im: five captions in a row are taken for those of an image"
OTHER_SIZES = "Images of other sizes of the same arrays, left out"


class AuthorsSource(PackedSource):
    """Images and captions of the arrays that the authors published.

    Args:
        place: Folder of the files, or one file with all arrays.
        division: How to divide the images of arrays whose names tell no split.
        height: Wanted side of the images, where there are several; by default the smallest.

    Raises:
        UserError: a file is missing, cannot be read or has other contents.
    """

    name = "authors"

    def __init__(self, place: Path, division: Division, height: int | None = None):
        self.dictionary = find_dictionary(place)
        self._splits = find_splits(place)
        sides = set.intersection(*(set(files.images) for files in self._splits.values()))
        if not sides:
            raise UserError(f"{place}: expected images of one size in all splits, got others.")
        self.side = height if height in sides else min(sides)
        arrays = [files.images[self.side].value for files in self._splits.values()]
        shapes = {image_sides(array.shape[1]) for array in arrays}
        if len(shapes) > 1:
            raise UserError(f"{place}: expected grey or colour images in all splits, got both.")
        self.channels = shapes.pop()[1]
        super().__init__(self._pack, self._pixels, division, {})

    def _pack(self, notes: Notes) -> Iterator[Packed]:
        checksums = {}
        for split, files in self._splits.items():
            if len(files.images) > 1:
                others = [one.where for side, one in files.images.items() if side != self.side]
                notes.add(OTHER_SIZES, len(others), [Path(where).name for where in others])
            images = files.images[self.side]
            checksums[Path(images.where).name] = check_images(images)
            captions = captions_by_image(files, len(images.value), self.dictionary, notes)
            for row, texts in enumerate(captions):
                id = f"{split or 'image'}-{row:06d}"
                if texts:
                    yield Packed(id, tuple(texts), (split, row), split)
                else:
                    notes.count(NO_CAPTION, id)
        self._facts["images_crc32"] = checksums

    def _pixels(self, place: tuple[str | None, int]) -> np.ndarray:
        """An image as uint8 [H, W, C]."""
        split, row = place
        values = self._splits[split].images[self.side].value[row]
        planes = np.reshape(values, (self.channels, self.side, self.side))
        return np.uint8(np.round(255.0 * np.clip(planes, 0.0, 1.0))).transpose(1, 2, 0)


def check_images(images: Found) -> int:
    """The CRC-32 of all images; UserError if a value is not from 0 to 1."""
    crc = 0
    for start in range(0, len(images.value), CHUNK):
        chunk = np.ascontiguousarray(images.value[start : start + CHUNK])
        wrong = np.argwhere(~((chunk >= -ROUNDING) & (chunk <= 1 + ROUNDING)))
        if len(wrong):
            row, column = wrong[0]
            raise UserError(
                f"{images.where}, row {start + row}: expected values from 0 to 1, got"
                f" {chunk[row, column]}."
            )
        crc = zlib.crc32(chunk, crc)
    return crc


def captions_by_image(
    files: SplitFiles, images: int, dictionary: Dictionary, notes: Notes
) -> list[list[str]]:
    """The captions of every image, words with spaces between them.

    Raises:
        UserError: an array has another shape than its part in the layout, or a number out of range.
    """
    captions = files.others["captions"]
    table = captions.value
    if not (isinstance(table, np.ndarray) and table.ndim == 2 and table.dtype.kind in "iu"):
        raise UserError(
            f"{captions.where}: expected ids of words as integers of the shape (captions, words),"
            f" got {shown(table)}."
        )
    table = np.asarray(table)
    _check_ids(captions, table, dictionary)
    lengths = _lengths(files.others.get("lengths"), captions, table, dictionary, notes)
    owners = _owners(files.others.get("cap2im"), captions, len(table), images, notes)
    words = {id: word for word, id in dictionary.ids.items()}
    divided = {dictionary.ids[word] for word in dictionary.unreachable()}
    texts: list[list[str]] = [[] for _ in range(images)]
    for k, (ids, length, owner) in enumerate(zip(table, lengths, owners, strict=True)):
        ids = ids[:length].tolist()
        where = f"{Path(captions.where).name}: row {k}"
        for id in ids:
            if id == dictionary.unknown:
                notes.count(UNKNOWN, where)
            elif id in divided:
                notes.count(DIVIDED, words[id])
        texts[owner].append(" ".join(words[id] for id in ids))
    return texts


def _check_ids(captions: Found, table: np.ndarray, dictionary: Dictionary) -> None:
    known = [0, *dictionary.ids.values()]  # 0 is a word, or padding
    wrong = np.argwhere(~np.isin(table, [id for id in known if id <= np.iinfo(table.dtype).max]))
    if len(wrong):
        row, column = wrong[0]
        raise UserError(
            f"{captions.where}, row {row}: expected ids of the {len(dictionary.ids):,} words of"
            f" {dictionary.name}, got {table[row, column]}. Take the dictionary of these captions."
        )


def _lengths(
    found: Found | None,
    captions: Found,
    table: np.ndarray,
    dictionary: Dictionary,
    notes: Notes,
) -> np.ndarray:
    """Words of each caption: as the array of lengths says, but no padding."""
    width = table.shape[1]
    full = np.full(len(table), width)
    if dictionary.pads and width:
        padding = table == 0
        full = np.where(padding.any(axis=1), padding.argmax(axis=1), width)
    if found is None:
        return full
    try:
        given = np.asarray(found.value) if isinstance(found.value, np.ndarray | list) else None
    except ValueError:  # a list of lists of several lengths
        given = None
    fits = given is not None and given.size == len(table) and given.dtype.kind in "iuf"
    if not fits or given.ndim > 2:
        raise UserError(
            f"{found.where}: expected a length for each of the {len(table):,} captions of"
            f" {Path(captions.where).name}, got {shown(found.value)}."
        )
    given = given.ravel()
    wrong = np.flatnonzero(~((given >= 0) & (given <= width) & (given == np.floor(given))))
    if len(wrong):
        raise UserError(
            f"{found.where}, row {wrong[0]}: expected a length from 0 to {width}, got"
            f" {given[wrong[0]]}."
        )
    cut = np.flatnonzero(given > full)
    if len(cut):
        places = [f"{Path(captions.where).name}: row {row}" for row in cut[:5]]
        notes.add(CUT, len(cut), places)
    return np.minimum(given, full).astype(int)


def _owners(
    found: Found | None, captions: Found, count: int, images: int, notes: Notes
) -> list[int]:
    """The image of each caption."""
    if found is None:
        notes.say(BY_FIVES)
        owners: Any = [k // CAPTIONS_PER_IMAGE for k in range(count)]
        where = captions.where
    else:
        value, where = found.value, found.where
        if isinstance(value, dict):
            value = [value.get(k) for k in range(count)] if len(value) == count else None
        elif isinstance(value, np.ndarray):
            value = value.ravel().tolist()
        if not isinstance(value, list) or len(value) != count:
            raise UserError(
                f"{where}: expected an image for each of the {count:,} captions of"
                f" {Path(captions.where).name}, got {shown(found.value)}"
                + ("." if not _has_length(found.value) else f" of {len(found.value):,}.")
            )
        owners = value
    for k, owner in enumerate(owners):
        if type(owner) is not int or not 0 <= owner < images:
            raise UserError(
                f"{where}: expected one of the {images:,} images for caption {k}, got {owner}."
            )
    return owners


def _has_length(value: Any) -> bool:
    return value.ndim > 0 if isinstance(value, np.ndarray) else hasattr(value, "__len__")
