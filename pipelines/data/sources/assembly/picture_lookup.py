"""The file that a table means by a name: in which folder, and written in which way.

Names are compared in Unicode NFC, as macOS writes accents in two parts. A name that is not where
the table says is searched in the folders below, then without regard to case, then with an
extension added; each of these guesses is counted, and a guess with two answers is refused.
"""

import os
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from pipelines.data.sources.notes import Notes
from t2i_tf.errors import UserError

# Those that are read, and those of photographs that `prepare` has to refuse by name.
PICTURE_EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".avif", ".jp2", ".heic", ".heif", ".jxl"),
)

ELSEWHERE = "Pictures found in another folder than the one named"
OTHER_CASE = "Pictures found under a name that differs in upper and lower case"
EXTENSION_ADDED = "Pictures named without their extension"
DECODED = "Pictures whose names are encoded as in addresses (%20), found without"


def normalized(name: str) -> str:
    """A relative file name in one way of writing: NFC, "/" between folders, no "." or ".."."""
    name = unicodedata.normalize("NFC", name.strip())
    return os.path.normpath(name).replace(os.sep, "/") if name else name


def is_picture(path: str | Path) -> bool:
    """Whether a file's extension is that of a picture."""
    return os.path.splitext(path)[1].lower() in PICTURE_EXTENSIONS


class PictureLookup:
    """Finds pictures by the names that a table gives them.

    Args:
        bases: Folders that names may be relative to, the likeliest first.
        root: Folder below which a name is searched that no base has.
        notes: Where guesses are counted.
    """

    def __init__(self, bases: Sequence[Path], root: Path, notes: Notes):
        self.bases, self.root, self._notes = list(bases), root, notes
        self._listings: dict[Path, dict[str, str]] = {}
        self._real_folders: dict[Path, str] = {}
        self._has_learnt = False  # a folder of pictures that is none of the bases

    def find(self, name: str) -> Path:
        """The file of a name; if there is none, the path where it was expected first.

        Raises:
            UserError: several files could be meant.
        """
        for written in dict.fromkeys((name.strip(), name.strip().replace("\\", "/"))):
            found = self._below_bases(written) or self._anywhere(written)
            if found:
                return found
        decoded = unquote(name.strip())
        found = decoded != name.strip() and (self._below_bases(decoded) or self._anywhere(decoded))
        if found:
            self._notes.count(DECODED, name)
            return found
        return self.bases[0] / normalized(name)

    def identity(self, path: Path) -> str:
        """The same text for all paths of one file, be they links of either kind."""
        try:
            described = os.stat(path)
            if described.st_nlink > 1:
                return f"{described.st_dev}:{described.st_ino}"
        except (OSError, ValueError):  # a file that is missing; a NUL in its name
            pass
        if path.parent not in self._real_folders:
            self._real_folders[path.parent] = os.path.realpath(path.parent)
        if os.path.islink(path):
            return os.path.realpath(path)
        return os.path.join(self._real_folders[path.parent], path.name)

    def _below_bases(self, name: str) -> Path | None:
        if os.path.isabs(name):
            return Path(name) if os.path.isfile(name) else None
        for base in self.bases:
            found = self._descend(base, PurePosixPath(name).parts)
            if found and os.path.isfile(found):
                return found
        return None

    def _descend(self, folder: Path, parts: Sequence[str]) -> Path | None:
        for part in parts:
            if part == "..":
                folder = folder.parent
                continue
            listing = self._listing(folder)
            written = listing.get(part) or listing.get(unicodedata.normalize("NFC", part))
            if written is None:
                return None
            folder = folder / written
        return folder

    def _listing(self, folder: Path) -> dict[str, str]:
        if folder not in self._listings:
            try:
                names = os.listdir(folder)
            except OSError:
                names = []
            composed = {unicodedata.normalize("NFC", name): name for name in names}
            self._listings[folder] = composed | {name: name for name in names}
        return self._listings[folder]

    def _anywhere(self, name: str) -> Path | None:
        plain = normalized(name)
        bare = plain.rpartition("/")[2]
        for what, candidates in (
            (ELSEWHERE, self._index.get(bare.lower(), [])),
            (EXTENSION_ADDED, self._by_stem.get(bare.lower(), [])),
        ):
            exact = [path for path in candidates if self._is_named(path, bare)]
            found = self._choose(exact or candidates, plain)
            if found and exact and self._learn_base(found, plain):
                return found
            if found:
                self._notes.count(what if exact else OTHER_CASE, name)
                return found
        return None

    def _learn_base(self, path: Path, name: str) -> bool:
        """Adds the folder to which a name was relative, for the first name that is searched."""
        base = path
        for part in reversed(name.split("/")):
            if normalized(base.name) != part:
                return False
            base = base.parent
        if self._has_learnt:
            return False
        self._has_learnt = True
        self.bases.append(base)
        self._notes.say(f"The pictures are in {base}")
        return True

    def _is_named(self, path: Path, bare: str) -> bool:
        return bare in map(normalized, (path.name, path.stem))

    def _choose(self, candidates: Sequence[Path], name: str) -> Path | None:
        """The candidate whose folders agree best with the name's."""
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        wanted = name.lower().split("/")[-2::-1]
        agreement = [_common(wanted, self._folders_of(path)) for path in candidates]
        best = [
            path
            for path, length in zip(candidates, agreement, strict=True)
            if length == max(agreement)
        ]
        if len(best) > 1:
            raise UserError(
                f"{name!r} may be {best[0]} or {best[1]}. Name the picture with its folder,"
                f" relative to {self.root}."
            )
        return best[0]

    def _folders_of(self, path: Path) -> list[str]:
        return [normalized(part).lower() for part in path.parent.parts[::-1]]

    @cached_property
    def _index(self) -> dict[str, list[Path]]:
        """All pictures below the root by their lower-case names."""
        index: dict[str, list[Path]] = {}
        for path in pictures_below(self.root):
            index.setdefault(normalized(path.name).lower(), []).append(path)
        return index

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        """All pictures below the root by their lower-case names without extensions."""
        stems: dict[str, list[Path]] = {}
        for paths in self._index.values():
            for path in paths:
                stems.setdefault(normalized(path.stem).lower(), []).append(path)
        return stems


def _common(wanted: Sequence[str], found: Sequence[str]) -> int:
    """Length of the common beginning of two lists."""
    pairs = zip(wanted, found, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(wanted), len(found)))


def pictures_below(root: Path) -> Iterator[Path]:
    """All picture files below a folder, sorted; hidden files and folders are left out."""
    return (path for path in files_below(root) if is_picture(path))


def files_below(root: Path) -> Iterator[Path]:
    """All files below a folder, sorted, without hidden files and folders.

    Links to folders elsewhere are followed, each folder once.
    """
    places = {os.path.realpath(root)}
    for folder, folders, files in os.walk(root, followlinks=True):
        visible = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        folders[:] = [name for name in visible if is_new_place(os.path.join(folder, name), places)]
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(folder) / name


def is_new_place(folder: str, places: set[str]) -> bool:
    """Whether a folder is no link to, into or around one of the places; such a link becomes one."""
    if not os.path.islink(folder):
        return True
    place = os.path.realpath(folder)
    if any(os.path.commonpath([place, known]) in (place, known) for known in places):
        return False
    places.add(place)
    return True
