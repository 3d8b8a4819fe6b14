"""All that determines the contents of a data folder, and in what two folders differ."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pipelines.data.pictures.image_loading import DECODER
from pipelines.data.pictures.resizing import ResizeOptions
from pipelines.data.sources.example import Example, Source
from t2i_tf.errors import UserError

Settings = Mapping[str, Any]
Splits = Mapping[str, Sequence[Example]]

EXAMPLES = ("examples_sha256", "pictures", "captions", "facts")  # what the source says
NOT_ASKED_FOR = (*EXAMPLES, "decoder")
LONGEST = 60  # characters of a value in an error


def describe_settings(
    source: Source, splits: Splits, resize: ResizeOptions, shard_size: int, min_count: int
) -> dict[str, Any]:
    """The settings as JSON."""
    facts, digest, pictures, captions = source.facts(), hashlib.sha256(), 0, 0
    digest.update(msgspec.json.encode(facts))
    for split, examples in splits.items():
        for example in examples:
            file = example.picture.name if isinstance(example.picture, Path) else ""
            known = [split, example.id, file, example.captions, example.attributes]
            digest.update(msgspec.json.encode(known))
            pictures += 1
            captions += len(example.captions)
    return {
        "source": source.name,
        "examples_sha256": digest.hexdigest(),  # without the contents of files
        "pictures": pictures,
        "captions": captions,
        "facts": facts,
        **dataclasses.asdict(resize),
        "decoder": DECODER,
        "shard_size": shard_size,
        "min_count": min_count,
    }


def without_facts(settings: Settings) -> dict[str, Any]:
    """The settings as a manifest has them, which has the facts elsewhere."""
    return {name: value for name, value in settings.items() if name != "facts"}


def refuse_other_settings(out: Path, found: Settings, requested: Settings) -> None:
    """Checks that a folder was made with the requested settings.

    Settings that the folder has no record of are not compared.

    Raises:
        UserError: it was not; the error names what differs.
    """
    differing = [
        f"--{name.replace('_', '-')} is {found[name]!r} there, requested {requested[name]!r}"
        for name in requested
        if name in found and name not in NOT_ASKED_FOR and found[name] != requested[name]
    ]
    if differing:
        raise UserError(
            f"{out} was made with other settings: {'; '.join(differing)}."
            " Use the same settings, choose another --out, or delete this one."
        )
    if found.get("examples_sha256") != requested["examples_sha256"]:
        raise UserError(
            f"{out} was made from other examples: {other_examples(found, requested)}. Delete it and"
            " run the same command again, or choose another --out."
        )


def refuse_other_decoder(out: Path, found: Settings, requested: Settings) -> None:
    """Raises UserError if an unfinished folder was begun with a decoder that gives other pixels."""
    if decoder_of(found) != requested["decoder"]:
        raise UserError(
            f"{out} was begun by another version of prepare, which decodes pictures differently."
            " Delete it and run the same command again."
        )


def decoder_of(settings: Settings) -> int:
    """The version of the decoder that a folder was made with."""
    return settings.get("decoder", 1)


def other_examples(found: Settings, requested: Settings) -> str:
    """In what the examples of two folders differ."""
    before, now = found.get("facts", {}), msgspec.to_builtins(requested["facts"])
    differing = [
        f"{name} is {shortened(before.get(name))} there, now {shortened(now.get(name))}"
        for name in dict.fromkeys([*now, *before])
        if "facts" in found and before.get(name) != now.get(name)
    ]
    if found.get("pictures") is None:
        return "; ".join(differing) or "its pictures, their names or their captions have changed"
    counts = [
        f"{one['pictures']:,} pictures with {one['captions']:,} captions"
        for one in (found, requested)
    ]
    if counts[0] != counts[1]:
        differing.append(f"there were {counts[0]}, now there are {counts[1]}")
    elif not differing:
        differing.append(
            f"names, splits or captions have changed (there are {counts[1]}, as before)"
        )
    return "; ".join(differing)


def shortened(value: object) -> str:
    """A value as text of limited length."""
    text = "absent" if value is None else repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
