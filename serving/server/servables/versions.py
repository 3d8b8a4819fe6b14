"""The versions of a model on disk, and the ones that its policy selects."""

from pathlib import Path

from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig,
)

from serving.contract import is_version

Policy = FileSystemStoragePathSourceConfig.ServableVersionPolicy
"""The latest (by default 1 version), all, or specific versions."""


def on_disk(base_path: Path) -> dict[int, Path]:
    """Numbered folders by version. Raises OSError where `base_path` cannot be listed."""
    folders = (path for path in base_path.iterdir() if is_version(path.name) and path.is_dir())
    return {int(path.name): path for path in folders}


def selected(available: dict[int, Path], policy: Policy) -> dict[int, Path]:
    """The available versions that the policy asks for."""
    newest_first = sorted(available, reverse=True)
    match policy.WhichOneof("policy_choice"):
        case "all":
            numbers = newest_first
        case "specific":
            numbers = [number for number in newest_first if number in policy.specific.versions]
        case _:
            numbers = newest_first[: policy.latest.num_versions or 1]
    return {number: available[number] for number in numbers}


def fingerprint(path: Path) -> tuple:
    """Names, sizes and times of the folder's files.

    A version that failed to load is tried again only once these have changed, not at every poll.
    """
    try:
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return tuple((str(file), (s := file.stat()).st_size, s.st_mtime_ns) for file in files)
    except OSError:  # the folder is being written or deleted
        return ()
