"""Folders without a table: `name.txt` beside `name.jpg`, or subfolders whose names are captions.

img2dataset's output format `files` and kohya's training folders have the former, folders for
classification the latter. The splits are those that a `name.json` names, as img2dataset writes it,
or subfolders `train`, `val` and `test` at the top.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from pipelines.data.sources.assembly.assemble import Row, RowSource
from pipelines.data.sources.assembly.picture_lookup import (
    files_below,
    normalized,
    pictures_below,
)
from pipelines.data.sources.assembly.split_choice import Division, split_named
from pipelines.data.sources.notes import Notes
from pipelines.data.sources.tables.companion_files import (
    JSON_EXTENSION,
    TEXT_EXTENSIONS,
    described_by,
)
from t2i_tf.errors import UserError

FURTHER_TEXT = "Texts of pictures that have another text (.caption before .txt), left out"
NO_TEXT = "Pictures without a text of their name, left out"
UNREAD_JSON = "Pictures whose JSON file is damaged or no object, read without it"
NO_PICTURE = "Texts without a picture of their name, left out"
NO_SUBFOLDER = "Pictures outside of every subfolder, which have no caption, left out"
LOOKED_AT = 200  # pictures, when it is only asked whether there are texts beside them


class TextFilesSource(RowSource):
    """Pictures whose captions are the lines of text files of the same name, or in their JSON.

    Args:
        root: Folder of the pictures, at any depth.
        texts: Folder of the text files, with the same subfolders.
        division: How to divide the pictures where no subfolder names a split.
    """

    def __init__(self, root: Path, texts: Path, division: Division):
        self._pictures, self._texts = root, texts
        super().__init__(self._rows, [root], root, division)

    def _rows(self, notes: Notes) -> Iterable[Row]:
        texts, described = companions(self._texts, notes)
        used = set()
        for picture in pictures_below(self._pictures):
            name = picture.relative_to(self._pictures).as_posix()
            stem = normalized(_stem(name))
            text, json = texts.get(stem), described.get(stem)
            captions, split = described_in(json, name, notes) if json else ((), None)
            if text:
                lines, _ = described_by(text.read_bytes(), TEXT_EXTENSIONS[0], str(text), notes)
                captions = lines or captions
            elif not captions:
                notes.count(NO_TEXT, name)
                continue
            used.add(text or json)
            where = str(json if split else text or json)
            yield Row(name, tuple(captions), where, split or split_of_folder(name))
        for text in sorted({*texts.values()} - used):
            notes.count(NO_PICTURE, text.relative_to(self._texts).as_posix())
        if not used:
            raise UserError(
                f"{self._pictures}: expected pictures with texts of the same name in {self._texts},"
                " such as a.jpg and a.txt; found no such pair."
            )


class FolderNamesSource(RowSource):
    """Pictures whose caption is the name of their subfolder: `red_fox` is "red fox".

    Args:
        root: Folder with the subfolders, or with `train`, `val`, `test` that contain them.
        division: How to divide the pictures where no subfolder names a split.
    """

    def __init__(self, root: Path, division: Division):
        self._pictures = root
        super().__init__(self._rows, [root], root, division)

    def _rows(self, notes: Notes) -> Iterable[Row]:
        rows = 0
        for picture in pictures_below(self._pictures):
            name = picture.relative_to(self._pictures).as_posix()
            split = split_of_folder(name)
            folders = name.split("/")[bool(split) : -1]
            if not folders:
                notes.count(NO_SUBFOLDER, name)
                continue
            rows += 1
            named = folders[:-1] if len(folders) > 1 and split_named(folders[-1]) else folders
            caption = re.sub(r"[_\-\s]+", " ", named[-1])
            yield Row(name, (caption,), str(picture), split)
        if not rows:
            raise UserError(
                f"{self._pictures}: --folder-names expects subfolders with pictures, found none."
            )


def companions(folder: Path, notes: Notes) -> tuple[dict[str, Path], dict[str, Path]]:
    """The text and the JSON files below a folder, by their normalized names without extension."""
    texts: dict[str, Path] = {}
    described: dict[str, Path] = {}
    for path in files_below(folder):
        extension, name = path.suffix.lower(), path.relative_to(folder).as_posix()
        stem = normalized(_stem(name))
        if extension == JSON_EXTENSION:
            described.setdefault(stem, path)
        elif extension in TEXT_EXTENSIONS and texts.setdefault(stem, path) != path:
            notes.count(FURTHER_TEXT, name)
    return texts, described


def described_in(json: Path, picture: str, notes: Notes) -> tuple[Sequence[str], str | None]:
    """The captions and the split of a picture's JSON; none if it holds something else."""
    try:
        return described_by(json.read_bytes(), JSON_EXTENSION, str(json), notes)
    except UserError:
        notes.count(UNREAD_JSON, picture)
        return (), None


def split_of_folder(name: str) -> str | None:
    """The split that the first folder of a name is called after."""
    first, slash, _ = name.partition("/")
    return split_named(first) if slash else None


def has_texts(folder: Path) -> bool:
    """Whether some of the first pictures below a folder have a text of the same name."""
    return any(_has_text(picture) for picture in islice(pictures_below(folder), LOOKED_AT))


def _has_text(picture: Path) -> bool:
    extensions = [*TEXT_EXTENSIONS, *map(str.upper, TEXT_EXTENSIONS)]
    json = picture.with_suffix(JSON_EXTENSION)
    return any(picture.with_suffix(extension).is_file() for extension in extensions) or (
        json.is_file() and bool(described_in(json, "", Notes())[0])
    )


def _stem(name: str) -> str:
    return name.rpartition(".")[0]
