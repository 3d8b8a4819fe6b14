"""Whether the pictures of a data folder are still those that it was made from.

`OUT/pictures.json` has, for each shard, the state of each picture of its plan when it was read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from pipelines.data.pictures.picture_inspection import FileState, read_contents
from pipelines.data.preparation.shards import PlannedShard, WrittenShard, name_of
from pipelines.data.sources.example import Example
from pipelines.data.sources.notes import Notes
from t2i_tf.files import write_atomically
from t2i_tf.json_files import read_json

PICTURES = "pictures.json"

IN_TWO_SPLITS = "Pictures with the same contents in two splits (both are kept)"
COPIES = "copies"  # key of the manifest with all of them
WHAT_TO_DO = (
    "Measured on pictures that it was trained on, a model seems better than it is. Delete all but"
    f" one of each, which `{COPIES}` in manifest.json lists, or give them one split, and prepare"
    " into a new folder"
)

States = Mapping[str, Sequence[FileState | None]]  # by the file of a shard


@dataclass
class Differences:
    """Names of the pictures that are no longer what they were."""

    changed: list[str] = field(default_factory=list)  # other contents, or missing then
    vanished: list[str] = field(default_factory=list)


def save_states(out: Path, written: Sequence[WrittenShard]) -> None:
    """Writes the states of all pictures, if there are files among them."""
    states = {shard.file: shard.states for shard in written}
    if any(state for of_shard in states.values() for state in of_shard):
        write_atomically(out / PICTURES, lambda file: file.write(msgspec.json.encode(states)))


def compare_with_states(out: Path, shards: Sequence[PlannedShard]) -> Differences:
    """The pictures that differ from those that a finished folder was made from.

    A folder that has no record of them is taken to be up to date.

    Raises:
        UserError: the record is damaged.
    """
    found = Differences()
    if not (out / PICTURES).is_file():
        return found
    again = f"Delete {out} and prepare it again."
    states = read_json(out / PICTURES, dict[str, list[FileState | None]], again)
    for shard in shards:
        for example, then, now in states_then_and_now(shard, states.get(shard.file, [])):
            if now is None and then is not None:
                found.vanished.append(name_of(example))
            elif then != now:
                found.changed.append(name_of(example))
    return found


def is_unchanged(shard: PlannedShard, states: Sequence[FileState | None]) -> bool:
    """Whether all pictures of a shard are what they were when it was written."""
    return len(states) == len(shard) and all(
        then == now for _, then, now in states_then_and_now(shard, states)
    )


def states_then_and_now(
    shard: PlannedShard, states: Sequence[FileState | None]
) -> Iterator[tuple[Example, FileState | None, FileState | None]]:
    """Each example with the known and the present state of its picture.

    The states are equal if the contents are: files that were only copied or touched are the same.
    """
    for example, then in zip(shard.examples(), states, strict=False):
        yield example, then, present_state(example.picture, then)


def present_state(picture: object, known: FileState | None) -> FileState | None:
    """The state of a picture; the known one if it has not changed. None if it cannot be read."""
    if not isinstance(picture, Path | bytes):
        return known
    try:
        if known and isinstance(picture, Path):
            described = picture.stat()
            if (described.st_size, described.st_mtime_ns) == (known.size, known.changed_ns):
                return known
        _, state = read_contents(picture)
    except (OSError, ValueError):
        return None
    return known if known and known.has_same_contents(state) else state


def note_pictures_in_two_splits(
    shards: Sequence[PlannedShard], written: Sequence[WrittenShard], notes: Notes
) -> list[dict[str, str]]:
    """Counts the pictures whose contents are also in an earlier split, as copies are.

    Returns:
        For each of them, the name and split of both, as the manifest has them.
    """
    copies = []
    seen: dict[tuple[int, int], tuple[PlannedShard, int]] = {}
    for planned, shard in zip(shards, written, strict=True):
        left_out = set(shard.left_out)
        for number, state in enumerate(shard.states):
            if state is None or number in left_out:
                continue
            first, at = seen.setdefault((state.size, state.crc32), (planned, number))
            if first.split != planned.split:
                copy, original = (
                    name_of(one.source[one.first + k])
                    for one, k in ((planned, number), (first, at))
                )
                places = f"{copy} of {planned.split} is {original} of {first.split}"
                notes.count(IN_TWO_SPLITS, places)
                copies.append(
                    {"file": copy, "split": planned.split, "of": original, "of_split": first.split}
                )
    if copies:
        notes.say(WHAT_TO_DO)
    return copies
