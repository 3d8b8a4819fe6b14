"""Which files of a folder may be tables of captions, and why one that seems to be is none."""

import os
from collections.abc import Sequence
from pathlib import Path

from pipelines.data.sources.assembly.picture_lookup import is_picture
from pipelines.data.sources.assembly.split_choice import (
    split_in_file_name,
    split_named,
    split_within,
    tells_training_apart,
)
from pipelines.data.sources.tables.columns import WantedColumns
from pipelines.data.sources.tables.read_table import TABLE_EXTENSIONS, open_table
from t2i_tf.errors import UserError

USUAL_TABLES = ("metadata", "captions", "results")  # preferred where there are several


def table_candidates(folder: Path) -> list[Path]:
    """Files that may be tables, without the records that img2dataset writes beside its output."""
    found = [
        *files_of(folder, 1),
        *(path for path in files_of(folder, 2) if path.stem == "metadata"),
        *(path for path in files_of(folder / "data", 2) if path.stem == "metadata"),
        *files_ending_in(".parquet", folder / "data", 1),
        *(one for one in files_ending_in(".parquet", folder, 2) if split_named(one.parent.name)),
    ]
    return [
        path
        for path in dict.fromkeys(found)
        if path.suffix.lower() in TABLE_EXTENSIONS and not is_record_of_img2dataset(path)
    ]


def is_record_of_img2dataset(path: Path) -> bool:
    """Whether a file only records what img2dataset downloaded into a tar or a folder."""
    if path.name.endswith("_stats.json"):
        return True
    stats = path.with_name(f"{path.stem}_stats.json").is_file()
    return stats and (path.with_suffix("").is_dir() or path.with_suffix(".tar").is_file())


def tables_by_split(folder: Path, paths: Sequence[Path]) -> dict[str | None, Path] | None:
    """The tables by split if their names, or those of their folders, tell a split for each."""
    splits = [
        split_named(path.parent.name) if path.parent != folder else split_in_file_name(path.stem)
        for path in paths
    ]
    if not any(splits):
        within = [split_within(path.stem) for path in paths]
        splits = within if tells_training_apart(within) else splits
    if not all(splits) or len(set(splits)) < len(splits) or not splits:
        return None
    return dict(zip(splits, paths, strict=True))


def fits(path: Path, wanted: WantedColumns) -> bool:
    """Whether a file is a table with the columns that are needed."""
    return misfit(path, wanted) is None


def misfit(path: Path, wanted: WantedColumns) -> str | None:
    """Why a file is no table with the columns that are needed; None if it is one."""
    try:
        wanted.choose(open_table(path, wanted).header, str(path))
    except UserError as error:
        return str(error)
    return None


def unread_table(folder: Path, wanted: WantedColumns) -> str | None:
    """Why what is called as a table of captions cannot be read; None if nothing is."""
    candidates = table_candidates(folder)
    usual = [path for path in candidates if path.stem.lower() in USUAL_TABLES]
    others = [path for path in candidates if path.suffix.lower() == ".json"]
    meant = usual or (others if len(others) == 1 else [])  # many describe a picture each
    return misfit(meant[0], wanted) if meant else None


def files_ending_in(extension: str, folder: Path, depth: int) -> list[Path]:
    """The files of `files_of` with an extension."""
    return [path for path in files_of(folder, depth) if path.suffix.lower() == extension]


def files_of(folder: Path, depth: int) -> list[Path]:
    """Visible files of a folder, and for depth 2 those of its subfolders, that are no pictures."""
    found, folders = [], []
    for entry in sorted(os.scandir(folder), key=lambda one: one.name) if folder.is_dir() else []:
        if entry.name.startswith("."):
            continue
        if os.path.isdir(entry.path):  # entry.is_dir() raises for a link to itself
            folders.append(Path(entry.path))
        elif not is_picture(entry.name):
            found.append(Path(entry.path))
    for inner in folders if depth > 1 else []:
        found += files_of(inner, depth - 1)
    return found
