"""Which versions of a model lie on disk, and which of them its policy wants."""

from pathlib import Path

from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig,
)

Policy = FileSystemStoragePathSourceConfig.ServableVersionPolicy
"""Latest (the default, 1 version), all, or specific versions."""

_LARGEST = 2**63 - 1  # a version travels as int64


def on_disk(base_path: Path) -> dict[int, Path]:
    """Numbered folders by version. Raises OSError when `base_path` cannot be listed."""
    numbered = (path for path in base_path.iterdir() if path.name.isdecimal() and path.is_dir())
    return {int(path.name): path for path in numbered if int(path.name) <= _LARGEST}


def wanted(available: dict[int, Path], policy: Policy) -> dict[int, Path]:
    """Those of the available versions that the policy asks for."""
    newest_first = sorted(available, reverse=True)
    match policy.WhichOneof("policy_choice"):
        case "all":
            chosen = newest_first
        case "specific":
            chosen = [version for version in newest_first if version in policy.specific.versions]
        case _:
            chosen = newest_first[: policy.latest.num_versions or 1]
    return {version: available[version] for version in chosen}


def fingerprint(path: Path) -> tuple:
    """Changes when the folder's files do: only then is a version that failed tried again."""
    try:
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return tuple((str(file), (s := file.stat()).st_size, s.st_mtime_ns) for file in files)
    except OSError:
        return ()
