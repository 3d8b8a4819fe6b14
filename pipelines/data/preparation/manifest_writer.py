"""`manifest.json`, the description of a finished data folder, and the check of its files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pipelines.data.preparation.shards import PlannedShard, WrittenShard
from pipelines.data.prepared.data_folder import FORMAT, MANIFEST, VOCABULARY, Split
from t2i_tf.errors import UserError
from t2i_tf.files import file_sha256
from t2i_tf.json_files import read_json

NAMED = 5  # bad pictures or shards that an error lists
RESIZE = ("height", "width", "channels", "filter", "crop", "background")


class _VocabularyHash(msgspec.Struct):
    sha256: str


class _Hashes(msgspec.Struct):
    vocabulary: _VocabularyHash
    splits: dict[str, Split]


def build_manifest(
    settings: Mapping[str, Any],
    facts: Mapping[str, Any],
    shards: Sequence[PlannedShard],
    written: Sequence[WrittenShard],
    vocabulary: Mapping[str, Any],
) -> dict[str, Any]:
    """The manifest as JSON: settings, facts of the source, and the contents of each shard."""
    return {
        "format": FORMAT,
        "source": settings["source"],
        **{name: settings[name] for name in RESIZE},
        "written": sum(shard.examples for shard in written),
        "skipped": [msgspec.to_builtins(bad) for shard in written for bad in shard.skipped],
        "splits": describe_splits(shards, written),
        "vocabulary": vocabulary,
        "facts": facts,
        "settings": settings,
    }


def describe_splits(
    shards: Sequence[PlannedShard], written: Sequence[WrittenShard]
) -> dict[str, Any]:
    """The manifest's description of each split and its shards."""
    splits: dict[str, Any] = {}
    for planned, shard in zip(shards, written, strict=True):
        split = splits.setdefault(planned.split, {"examples": 0, "captions": 0, "shards": []})
        split["examples"] += shard.examples
        split["captions"] += shard.captions
        split["shards"].append(
            {"file": shard.file, "examples": shard.examples, "sha256": shard.sha256}
        )
    return splits


def read_manifest(out: Path) -> dict[str, Any]:
    """The manifest of a finished folder; UserError if there is none that `prepare` wrote."""
    try:
        manifest = read_json(out / MANIFEST, dict)
    except UserError as error:
        advice = f" Delete {out} and prepare it again." * (out / MANIFEST).is_file()
        raise UserError(f"{error}{advice}") from None
    if not isinstance(manifest.get("settings"), dict):
        raise UserError(f"{out / MANIFEST} was not written by prepare. Choose another folder.")
    return manifest


def verify(out: str | Path) -> int:
    """Compares every file of a finished folder with its hash; returns the number of files.

    Raises:
        UserError: files are missing or changed; the error lists the first of them.
    """
    out = Path(out)
    read_manifest(out)
    manifest = read_json(out / MANIFEST, _Hashes, f"Delete {out} and prepare it again.")
    expected = {VOCABULARY: manifest.vocabulary.sha256}
    for split in manifest.splits.values():
        expected |= {shard.file: shard.sha256 for shard in split.shards}
    problems = [
        f"{file} is {'changed' if (out / file).is_file() else 'missing'}"
        for file, sha256 in expected.items()
        if not (out / file).is_file() or file_sha256(out / file) != sha256
    ]
    if problems:
        raise UserError(
            f"{out}: {first_few(problems)}. Delete the folder and prepare it again: the same input"
            " gives the same bytes."
        )
    return len(expected)


def first_few(items: Sequence[str]) -> str:
    """The first few items as text, and the number of the others."""
    more = f" and {len(items) - NAMED:,} more" if len(items) > NAMED else ""
    return "; ".join(items[:NAMED]) + more
