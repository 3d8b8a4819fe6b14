"""A data folder as training reads it: its manifest, vocabulary and shards."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from t2i_tf.errors import UserError, did_you_mean
from t2i_tf.files import file_sha256
from t2i_tf.json_files import read_json
from t2i_tf.text.vocabulary import Vocabulary

FORMAT = 1  # of the manifest; a folder of another format is refused
MANIFEST, VOCABULARY = "manifest.json", "vocabulary.txt"


class ShardEntry(msgspec.Struct, frozen=True):
    """A shard of the manifest."""

    file: str
    examples: int
    sha256: str


class Split(msgspec.Struct, frozen=True):
    """A split of the manifest."""

    examples: int
    captions: int
    shards: tuple[ShardEntry, ...]


class _Format(msgspec.Struct):
    format: int


class Manifest(msgspec.Struct, frozen=True):
    """The parts of `manifest.json` that are read here; the rest is for people and for `prepare`."""

    source: str
    height: int
    width: int
    channels: int
    splits: dict[str, Split]
    facts: dict[str, Any] = {}


@dataclass(frozen=True)
class ShardFile:
    """A shard on disk."""

    path: Path
    examples: int


@dataclass(frozen=True)
class DataFolder:
    """A finished data folder, made by `prepare`."""

    path: Path
    manifest: Manifest
    vocabulary: Vocabulary
    fingerprint: str  # SHA-256 of the manifest, which has those of the shards

    @classmethod
    def open(cls, path: str | Path) -> "DataFolder":
        """Reads the manifest and the vocabulary, and checks that the shards are there.

        Raises:
            UserError: the path is not a finished data folder, the manifest has another format, the
                vocabulary is damaged, or shards are missing.
        """
        path = Path(path)
        _refuse_other_folders(path)
        file, again = path / MANIFEST, f"Copy {path} again, or delete it and run `prepare` again."
        found = read_json(file, _Format, again).format
        if found != FORMAT:
            raise UserError(
                f"{file}: expected format {FORMAT}, found {found}. Prepare the data again with"
                " this version of `prepare`."
            )
        folder = cls(
            path,
            read_json(file, Manifest, again),
            Vocabulary.load(path / VOCABULARY),
            file_sha256(file),
        )
        folder._refuse_missing_shards()
        return folder

    @property
    def height(self) -> int:
        """Height of every image, pixels."""
        return self.manifest.height

    @property
    def width(self) -> int:
        """Width of every image, pixels."""
        return self.manifest.width

    @property
    def channels(self) -> int:
        """Channels of every image: 1 or 3."""
        return self.manifest.channels

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of every image: H, W, C."""
        return self.height, self.width, self.channels

    @property
    def picture_bytes(self) -> int:
        """Size of one image as uint8."""
        return self.height * self.width * self.channels

    @property
    def facts(self) -> Mapping[str, Any]:
        """Facts of the source: seed, origin, held-out compositions."""
        return self.manifest.facts

    def split(self, name: str) -> Split:
        """A split of the manifest; UserError if there is none of that name."""
        if name not in self.manifest.splits:
            raise UserError(
                f"{self.path} has no split {name!r}. {did_you_mean(name, self.manifest.splits)}"
            )
        return self.manifest.splits[name]

    def shards(self, split: str) -> tuple[ShardFile, ...]:
        """The files of a split, in order; UserError if there is no split of that name."""
        return tuple(
            ShardFile(self.path / shard.file, shard.examples) for shard in self.split(split).shards
        )

    def _refuse_missing_shards(self) -> None:
        missing = [
            shard.path.name
            for split in self.manifest.splits
            for shard in self.shards(split)
            if not shard.path.is_file()
        ]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise UserError(
                f"{self.path}: the shard {missing[0]}{more} is missing. Copy the folder again, or"
                " delete it and run `prepare` again."
            )


def beside(folder: Path, name: str) -> Path:
    """The folder FOLDER-name, for what belongs to a data folder.

    >>> beside(Path("data/scenes-32"), "sentences").as_posix()
    'data/scenes-32-sentences'
    """
    # `.` has no name, and `..` that of another folder.
    folder = folder.resolve() if folder.name in ("", "..") else folder
    return folder.with_name(f"{folder.name}-{name}")


def make_beside(folder: Path) -> None:
    """Make a folder of those beside a data folder. Raises UserError where that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{folder} cannot be made: {error.strerror}. What is computed once is kept beside the"
            " data folder: copy that to a place that can be written."
        ) from error


def _refuse_other_folders(path: Path) -> None:
    if not path.exists():
        raise UserError(f"{path}: there is no such data folder. Make it with `prepare`.")
    if not path.is_dir():
        raise UserError(f"{path}: expected a data folder, found a file.")
    if not (path / MANIFEST).is_file():
        found = "is empty" if not any(path.iterdir()) else f"has no {MANIFEST}"
        raise UserError(
            f"{path}: expected a data folder that `prepare` has finished, but it {found}. If"
            " `prepare` was interrupted, run the same command again."
        )
