"""What a finished data folder holds, `manifest.json`, and whether it still holds that."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pipelines.data.preparation.shards import PlannedShard, WrittenShard, file_sha256
from pipelines.data.prepared.data_folder import FORMAT, MANIFEST, VOCABULARY
from t2i_tf.errors import UserError
from t2i_tf.json_files import read_json

NAMED = 5  # bad pictures or shards that an error names
FIT = ("height", "width", "channels", "filter", "crop")


def build_manifest(
    settings: Mapping[str, Any],
    facts: Mapping[str, Any],
    shards: Sequence[PlannedShard],
    records: Sequence[WrittenShard],
    vocabulary: Mapping[str, Any],
) -> dict[str, Any]:
    """The manifest, as JSON: settings and facts of the source, and what came of each shard."""
    return {
        "format": FORMAT,
        "source": settings["source"],
        **{name: settings[name] for name in FIT},
        "written": sum(record.examples for record in records),
        "skipped": [msgspec.to_builtins(bad) for record in records for bad in record.skipped],
        "splits": describe_splits(shards, records),
        "vocabulary": vocabulary,
        "facts": facts,
        "settings": settings,
    }


def describe_splits(
    shards: Sequence[PlannedShard], records: Sequence[WrittenShard]
) -> dict[str, Any]:
    """The manifest's account of each split and its shards."""
    splits: dict[str, Any] = {}
    for shard, record in zip(shards, records, strict=True):
        split = splits.setdefault(shard.split, {"examples": 0, "captions": 0, "shards": []})
        split["examples"] += record.examples
        split["captions"] += record.captions
        split["shards"].append(
            {"file": record.file, "examples": record.examples, "sha256": record.sha256}
        )
    return splits


def read_manifest(out: Path) -> dict[str, Any]:
    """The manifest of a finished folder; UserError where there is none that `prepare` wrote."""
    manifest = read_json(out / MANIFEST, dict)
    if "settings" not in manifest:
        raise UserError(f"{out / MANIFEST} was not written by prepare. Choose another folder.")
    return manifest


def verify(out: str | Path) -> int:
    """Hashes every file of a finished folder again; returns how many there are.

    Raises:
        UserError: naming the files that are missing or changed.
    """
    out = Path(out)
    manifest = read_manifest(out)
    expected = {VOCABULARY: manifest["vocabulary"]["sha256"]}
    for split in manifest["splits"].values():
        expected |= {shard["file"]: shard["sha256"] for shard in split["shards"]}
    problems = [
        f"{file} is {'changed' if (out / file).is_file() else 'missing'}"
        for file, sha256 in expected.items()
        if not (out / file).is_file() or file_sha256(out / file) != sha256
    ]
    if problems:
        raise UserError(
            f"{out}: {some(problems)}. Delete the folder and prepare it again: the same input"
            " gives the same bytes."
        )
    return len(expected)


def some(things: Sequence[str]) -> str:
    """The first few of a list, and how many more there are."""
    more = f" and {len(things) - NAMED:,} more" if len(things) > NAMED else ""
    return "; ".join(things[:NAMED]) + more
