"""Tar files in WebDataset's form, as img2dataset writes them: `KEY.jpg`, `KEY.txt`, `KEY.json`.

A tar is read once for its contents; the pictures stay in it until they are needed. The captions
are the lines of `KEY.txt`, or else the caption in `KEY.json`.
"""

import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pipelines.data.sources.assembly.packed_pictures import (
    Packed,
    PackedSource,
    names_of_files,
)
from pipelines.data.sources.assembly.picture_lookup import PICTURE_EXTENSIONS, is_picture
from pipelines.data.sources.assembly.split_choice import Division, splits_of_files
from pipelines.data.sources.notes import Notes
from pipelines.data.sources.tables.companion_files import (
    JSON_EXTENSION,
    TEXT_EXTENSIONS,
    described_by,
)
from t2i_tf.errors import UserError

REPEATED = "Members of a tar that replace an earlier one of the same name"
SEVERAL_DOTS = "Pictures of a tar left out, as their names go on after the first dot"
NO_END = "Tars that do not end as a tar does, and may be cut off"
NO_CAPTION = "Pictures of a tar without a caption of their name, left out"
NO_PICTURE = "Captions of a tar without a picture of their name, left out"

Place = tuple[Path, int, int]  # tar, offset and length in bytes


class TarSource(PackedSource):
    """Pictures and captions of tar files.

    Args:
        tars: The files; their names may tell the splits, see `splits_of_files`.
        division: How to divide the pictures of other files.
    """

    def __init__(self, tars: Sequence[Path], division: Division):
        self._tars = tars
        facts = {"files": [path.name for path in tars]}
        super().__init__(self._pack, read_place, division, facts)

    def _pack(self, notes: Notes) -> Iterable[Packed]:
        splits = splits_of_files(self._tars)
        for path, name in names_of_files(self._tars).items():
            yield from pictures_of(path, name, splits[path], notes)


def read_place(place: Place) -> bytes:
    """The bytes of a picture."""
    path, offset, length = place
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def pictures_of(path: Path, name: str, split: str | None, notes: Notes) -> Iterator[Packed]:
    """The pictures of a tar that have captions.

    Args:
        path: The tar.
        name: The beginning of their ids.
        split: Their split, unless their JSON has a field with it.
        notes: Where what is left out is counted.

    Raises:
        UserError: the tar is compressed or damaged, or a caption is not UTF-8.
    """
    splits: dict[str, str | None] = {}
    pictures: dict[str, Place] = {}
    captions: dict[str, Sequence[str]] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                key, extension = key_and_extension(member.name)
                if not member.isfile() or not key:
                    continue
                if extension in PICTURE_EXTENSIONS:
                    if key in pictures:
                        notes.count(REPEATED, f"{path.name}: {member.name}")
                    pictures[key] = path, member.offset_data, member.size
                elif is_picture(extension):
                    notes.count(SEVERAL_DOTS, f"{path.name}: {member.name}")
                elif extension in (*TEXT_EXTENSIONS, JSON_EXTENSION):
                    contents = tar.extractfile(member)
                    text = contents.read() if contents else b""
                    where = f"{path}: {member.name}"
                    found, its_split = described_by(text, extension, where, notes)
                    splits[key] = its_split or splits.get(key)
                    if found and (extension in TEXT_EXTENSIONS or key not in captions):
                        captions[key] = found
            refuse_more_data(path, tar.offset)
            if path.stat().st_size <= tar.offset:
                notes.count(NO_END, path.name)
    except (tarfile.TarError, OSError) as error:
        raise UserError(
            f"{path}: cannot be read as an uncompressed tar: {error}. Decompress or download it"
            " again."
        ) from None
    for key in pictures.keys() - captions.keys():
        notes.count(NO_CAPTION, f"{path.name}: {key}")
    for key in captions.keys() - pictures.keys():
        notes.count(NO_PICTURE, f"{path.name}: {key}")
    for key, place in pictures.items():
        if key in captions:
            its_split = splits.get(key) or split
            yield Packed(f"{name}/{key}", tuple(captions[key]), place, its_split)


def refuse_more_data(path: Path, end: int) -> None:
    """Raises UserError if data follow the end of a tar, as behind a damaged header.

    Args:
        path: The tar.
        end: The byte at which its reader found no further member.
    """
    with path.open("rb") as file:
        file.seek(end)
        while chunk := file.read(1 << 20):
            if chunk.strip(b"\0"):
                raise UserError(
                    f"{path}: its members end at byte {end:,}, but data follow: it is damaged, or"
                    " is several tars in one. Download it again, or pack its pictures anew."
                )


def key_and_extension(name: str) -> tuple[str, str]:
    """A member's key and extension, divided at the first dot of its last part."""
    folder, slash, last = name.rpartition("/")
    stem, dot, extension = last.partition(".")
    return (folder + slash + stem if stem else ""), dot + extension.lower()
