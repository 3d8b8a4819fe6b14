"""Finds out in which shape captioned pictures come, and makes the source that reads them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.data.sources.assembly.picture_lookup import pictures_below
from pipelines.data.sources.assembly.split_choice import Division
from pipelines.data.sources.assembly.split_lists import find_lists
from pipelines.data.sources.authors.authors_arrays import AuthorsSource
from pipelines.data.sources.authors.published_files import is_published
from pipelines.data.sources.captioned_folder import FolderSource
from pipelines.data.sources.coco import CocoSource, annotations_files
from pipelines.data.sources.example import Source
from pipelines.data.sources.flickr_tokens import FlickrSource, is_token_file
from pipelines.data.sources.karpathy import KarpathySource, is_karpathy
from pipelines.data.sources.mnist_captions import MnistCaptionsSource
from pipelines.data.sources.mnist_digits import (
    find_hdf5_file,
    find_idx_files,
    load_hdf5_digits,
    load_idx_digits,
)
from pipelines.data.sources.parquet_pictures import ParquetSource, picture_column
from pipelines.data.sources.tables.columns import WantedColumns
from pipelines.data.sources.tables.read_table import TABLE_EXTENSIONS, open_table
from pipelines.data.sources.tables.table_search import (
    USUAL_TABLES,
    files_ending_in,
    files_of,
    fits,
    table_candidates,
    tables_by_split,
    unread_table,
)
from pipelines.data.sources.text_beside_pictures import (
    FolderNamesSource,
    TextFilesSource,
    has_texts,
)
from pipelines.data.sources.webdataset_tars import TarSource
from t2i_tf.errors import UsageError, UserError

LOOKED_FOR = (
    "COCO's annotations/captions_*.json",
    "Flickr's *.token.txt",
    "Karpathy's dataset_*.json",
    f"a table ({', '.join(TABLE_EXTENSIONS)}) with columns such as file and caption",
    "a.txt beside a.jpg",
    ".tar files",
    "Parquet files with pictures",
    "MNIST's IDX files",
    "the authors' arrays (train-images-32x32.npy)",
)
PACKED_ARCHIVES = (".zip", ".rar", ".7z", ".gz", ".tgz", ".bz2", ".xz")


@dataclass(frozen=True)
class Hints:
    """What a user says about the input besides its path.

    Args:
        captions: Table of captions, or folder of text files.
        karpathy: One of Karpathy's `dataset_*.json`.
        year: COCO release to read.
        folder_names: Whether the names of subfolders are the captions.
        columns: Columns of the table.
        division: How to divide pictures into splits.
        height: Height of the prepared pictures.
    """

    captions: Path | None = None
    karpathy: Path | None = None
    year: str | None = None
    folder_names: bool = False
    columns: WantedColumns = field(default_factory=WantedColumns)
    division: Division = field(default_factory=Division)
    height: int | None = None


@dataclass(frozen=True)
class Found:
    """A source, and a sentence that says what the input was taken for."""

    source: Source
    sentence: str


def find_source(place: Path, kind: str | None, hints: Hints) -> Found:
    """The source that reads an input.

    Args:
        place: Folder or file.
        kind: "coco", "folder", "authors" or "mnist-captions"; None to find out.
        hints: What the user says about it.

    Raises:
        UsageError: the hints contradict each other or the shape.
        UserError: the input does not exist, or has no shape that is known.
    """
    refuse_contradictions(kind, hints)
    refuse_missing(place, "--input")
    for flag, path in (("--captions", hints.captions), ("--karpathy", hints.karpathy)):
        if path:
            refuse_missing(captions_path(place, path), flag)
    try:
        found = _find(place, kind, hints)
    except OSError as error:
        raise UserError(f"{error.filename or place}: cannot be read: {error.strerror}.") from None
    refuse_unused(found.source, hints)
    return found


def _find(place: Path, kind: str | None, hints: Hints) -> Found:
    if kind == "mnist-captions":
        return mnist(place, hints)
    if kind == "authors":
        return authors(place, hints)
    if hints.karpathy:
        return karpathy(place, captions_path(place, hints.karpathy), hints)
    if kind == "coco":
        return coco(place, hints)
    if hints.folder_names:
        source = FolderNamesSource(place, hints.division)
        return Found(source, f"{place}: pictures whose subfolders' names are their captions.")
    if hints.captions:
        return of_captions(place, captions_path(place, hints.captions), hints)
    if place.is_file():
        return of_file(place, hints)
    found = look(place, hints, official=kind != "folder")
    inner = only_subfolder(place)
    if found is None and inner:
        found = look(inner, hints, official=kind != "folder")
    if found is None:
        raise UserError(unread_table(inner or place, hints.columns) or nothing_found(place))
    return found


def look(folder: Path, hints: Hints, *, official: bool) -> Found | None:
    """The source for a folder; None if no shape fits.

    Args:
        folder: The folder.
        hints: What the user says about it.
        official: Whether it may be COCO, MNIST or the authors' arrays.

    Raises:
        UserError: several shapes fit, or the one that fits is incomplete.
    """
    if official and annotations_files(folder):
        return coco(folder, hints)
    if official and find_idx_files(folder):
        return mnist(folder, hints)
    if official and is_published(folder):
        return authors(folder, hints)
    if official and find_hdf5_file(folder):
        return mnist(folder, hints)
    if (folder / "manifest.json").is_file() and (folder / "vocabulary.txt").is_file():
        raise UserError(
            f"{folder} is a data folder that `prepare` made. Train on it with --data, or give the"
            " folder of the pictures."
        )
    tokens = token_files(folder)
    described = [path for path in files_of(folder, 1) if path.suffix == ".json"]
    described = [
        path for path in described if path.name.startswith("dataset") and is_karpathy(path)
    ]
    if tokens and not (described and not find_lists(tokens[0].parent, tokens[0])):
        return flickr(folder, one_of(folder, tokens), hints)
    if described:
        return karpathy(folder, one_of(folder, described), hints)
    tars = files_ending_in(".tar", folder, 1) or files_ending_in(".tar", folder, 2)
    if tars:
        source = TarSource(tars, hints.division)
        files = "tar file" if len(tars) == 1 else "tar files"
        sentence = f"{folder}: {len(tars):,} {files} in WebDataset's form."
        return Found(source, sentence + unread_archives(folder))
    return tables(folder, hints) or texts(folder, hints)


def token_files(folder: Path) -> list[Path]:
    """The token files of a folder, without Flickr8k's lemmas where its captions are there too."""
    found = [path for path in files_of(folder, 2) if is_token_file(path)]
    return [path for path in found if ".lemma." not in path.name] or found


def coco(folder: Path, hints: Hints) -> Found:
    """COCO's layout."""
    source = CocoSource(folder, year=hints.year, division=hints.division)
    names = listed(file.name for file in source.annotations.values())
    kind = "this project's scenes" if source.name == "scenes" else "COCO's layout"
    return Found(source, f"{folder}: {kind}, with {names}.")


def karpathy(folder: Path, file: Path, hints: Hints) -> Found:
    """One of Karpathy's files."""
    source = KarpathySource(folder, file, hints.division)
    return Found(source, f"{folder}: pictures with Karpathy's captions and splits, {file.name}.")


def mnist(folder: Path, hints: Hints) -> Found:
    """The IDX files of MNIST, or the authors' mnist.h5."""
    file = None if find_idx_files(folder) else find_hdf5_file(folder)
    digits = load_hdf5_digits(file) if file else load_idx_digits(folder)
    source = MnistCaptionsSource(seed=hints.division.seed, digits=digits)
    return Found(source, f"{folder}: MNIST's digits, to be placed as captions say.")


def authors(place: Path, hints: Hints) -> Found:
    """The arrays that the paper's authors published."""
    source = AuthorsSource(place, hints.division, hints.height)
    size = f"{source.side}x{source.side}x{source.channels}"
    return Found(source, f"{place}: the authors' arrays, with images of {size}.")


def flickr(folder: Path, tokens: Path, hints: Hints) -> Found:
    """Flickr8k or Flickr30k as published."""
    source = FlickrSource(folder, tokens, hints.division)
    return Found(source, f"{folder}: Flickr's layout, with {tokens.name}.")


def of_file(place: Path, hints: Hints) -> Found:
    """A source for one file: arrays, or captions of pictures beside it."""
    if place.name == "mnist.h5":
        return mnist(place, hints)
    if place.suffix.lower() in (".npz", ".h5", ".hdf5"):
        return authors(place, hints)
    beside = place.parent
    return of_captions(beside.parent if beside.name == "annotations" else beside, place, hints)


def of_captions(folder: Path, captions: Path, hints: Hints) -> Found:
    """A source for a file of captions, or a folder of text files."""
    suffix = captions.suffix.lower()
    if captions.is_dir():
        source = TextFilesSource(folder, captions, hints.division)
        return Found(source, f"{folder}: pictures with texts of the same names in {captions}.")
    if suffix == ".tar":
        source = TarSource([captions], hints.division)
        return Found(source, f"{captions}: a tar file in WebDataset's form.")
    if suffix in PACKED_ARCHIVES:
        raise UserError(f"{captions}: expected a folder or a table. Unpack the archive first.")
    if captions.is_file() and is_token_file(captions):
        return flickr(folder, captions, hints)
    if suffix == ".json" and is_karpathy(captions):
        return karpathy(folder, captions, hints)
    if suffix == ".parquet" and picture_column(captions, hints.columns):
        return parquet(captions, [captions], hints)
    return table(folder, {None: captions}, hints)


def captions_path(place: Path, captions: Path) -> Path:
    """The path of a table: as it is given, or else in the folder of the pictures."""
    inside = place / captions
    return inside if inside.exists() and not captions.exists() else captions


def parquet(place: Path, files: Sequence[Path], hints: Hints) -> Found:
    """Parquet files that contain pictures."""
    source = ParquetSource(files, hints.columns, hints.division)
    return Found(source, f"{place}: pictures and captions in {listed(one.name for one in files)}.")


def table(folder: Path, files: Mapping[str | None, Path], hints: Hints) -> Found:
    """Tables of captions, by split where their names tell it."""
    first = next(iter(files.values()))
    opened = open_table(first, hints.columns)
    columns = hints.columns.choose(opened.header, str(first))
    source = FolderSource(folder, files, columns=hints.columns, division=hints.division)
    names = listed(
        path.relative_to(folder).as_posix() if folder in path.parents else str(path)
        for path in files.values()
    )
    return Found(
        source, f"{folder}: pictures, and {opened} ({names}), read by the columns {columns}."
    )


def tables(folder: Path, hints: Hints) -> Found | None:
    """The tables of a folder, or Parquet files with pictures; None if there are none.

    Raises:
        UserError: there are several that could be meant, or the only one cannot be read.
    """
    candidates = table_candidates(folder)
    texts = [path for path in candidates if path.suffix.lower() != ".parquet"]
    fitting = [path for path in texts if fits(path, hints.columns)]
    if not fitting:
        columnar = [path for path in candidates if path not in texts]
        packed = [path for path in columnar if picture_column(path, hints.columns)]
        if packed:
            return parquet(folder, packed, hints)
        fitting = [path for path in columnar if fits(path, hints.columns)]
    usual = [path for path in fitting if path.stem.lower() in USUAL_TABLES]
    by_split = tables_by_split(folder, usual if len(usual) > 1 else fitting)
    if by_split:
        return table(folder, by_split, hints)
    chosen = usual if len(usual) == 1 else fitting
    if chosen:
        return table(folder, {None: one_of(folder, chosen)}, hints)
    misfits = [path for path in candidates if path.suffix.lower() not in (".txt", ".json")]
    if misfits and not has_texts(folder):
        return table(folder, {None: misfits[0]}, hints)  # says what is wrong with it
    return None


def texts(folder: Path, hints: Hints) -> Found | None:
    """Text files beside pictures; None if there are none."""
    if not has_texts(folder):
        return None
    source = TextFilesSource(folder, folder, hints.division)
    return Found(source, f"{folder}: pictures with a text of the same name beside each.")


def only_subfolder(folder: Path) -> Path | None:
    """The one subfolder of a folder that holds nothing else, as unpacking an archive makes it."""
    entries = [path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX"))]
    folders = [path for path in entries if path.is_dir()]
    return folders[0] if len(folders) == 1 and len(entries) == 1 else None


def unread_archives(folder: Path) -> str:
    """A sentence about compressed archives, which are not read; "" if there are none."""
    found = [path for path in files_of(folder, 2) if path.name.lower().endswith(PACKED_ARCHIVES)]
    names = listed(path.relative_to(folder).as_posix() for path in found)
    return f" Not read, as they are compressed: {names}. Unpack them to have them too." * bool(
        names
    )


def one_of(folder: Path, paths: Sequence[Path]) -> Path:
    """The only path; UserError if there are several."""
    if len(paths) > 1:
        names = listed(path.relative_to(folder).as_posix() for path in paths)
        raise UserError(
            f"{folder}: several files may have the captions: {names}. Choose one with --captions."
        )
    return paths[0]


def nothing_found(folder: Path) -> str:
    """Says what a folder has, and what was looked for."""
    pictures = sum(1 for _ in pictures_below(folder))
    others = [path.relative_to(folder).as_posix() for path in files_of(folder, 2)]
    archives = [name for name in others if name.lower().endswith(PACKED_ARCHIVES)]
    holds = f"{pictures:,} pictures" + (f", {listed(others[:5])}" if others else "")
    boxes = [
        name for name in others if re.search(r"(instances|keypoints|panoptic)_\w+\.json$", name)
    ]
    advice = (
        f"Unpack {archives[0]} first."
        if archives
        else f"{boxes[0]} describes objects: COCO's captions are in captions_*.json, beside it."
        if boxes
        else "Give the captions with --captions, or use the names of subfolders as captions with"
        " --folder-names."
    )
    return (
        f"{folder}: no captions found. Looked for {'; '.join(LOOKED_FOR)}. The folder holds"
        f" {holds}. {advice}"
    )


def listed(names: Iterable[str]) -> str:
    """The first names with commas, and the number of the others."""
    names = list(names)
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def refuse_missing(path: Path, flag: str) -> None:
    """Raises UserError if a path is neither a folder nor a file."""
    if not (path.is_dir() or path.is_file()):
        raise UserError(
            f"{path} ({flag}): expected a folder or a file, but it"
            f" {'is neither' if path.exists() else 'does not exist'}. Correct the path."
        )


def refuse_contradictions(kind: str | None, hints: Hints) -> None:
    """Raises UsageError if flags name the captions twice, or do not belong to the source."""
    given = {
        "--captions": hints.captions,
        "--karpathy": hints.karpathy,
        "--folder-names": hints.folder_names,
    }
    flags = [flag for flag, value in given.items() if value]
    if len(flags) > 1:
        raise UsageError(f"{' and '.join(flags)} both say where the captions are. Give one.")
    wrong = [flag for flag in flags if flag != "--karpathy"] if kind == "coco" else flags
    if wrong and kind in ("coco", "mnist-captions", "authors"):
        raise UsageError(f"{wrong[0]} does not apply to --source {kind}. Leave one of them out.")


def refuse_unused(source: Source, hints: Hints) -> None:
    """Raises UsageError if a flag does not apply to what the input turned out to be."""
    tabular = isinstance(source, FolderSource | ParquetSource)
    unused = {
        "--year": hints.year and not isinstance(source, CocoSource),
        "--file-column": hints.columns.file and not tabular,
        "--caption-column": hints.columns.captions and not tabular,
        "--splits": hints.division.replaces and isinstance(source, MnistCaptionsSource),
    }
    for flag, is_unused in unused.items():
        if is_unused:
            raise UsageError(
                f"{flag} does not apply to this input, which is read as {source.name}."
                " Leave it out."
            )
