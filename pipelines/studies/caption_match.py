"""Whether an image or a caption matches the caption that was drawn, attribute by attribute."""

from collections.abc import Mapping, Sequence

from pipelines.data.scenes.caption_parser import Named, read_caption
from pipelines.data.scenes.world import Scene

ATTRIBUTES = ("object", "colour", "background", "place")

CaptionMatch = Mapping[str, bool]  # by attribute, only those that the caption names


def match_caption(caption: str, seen: Scene | Named) -> CaptionMatch:
    """Compare a scene's caption with what a judge sees, or with what another caption names.

    An object matches if its count does too; a missing place means the middle. Colours and
    backgrounds that the caption does not name are not compared, and a caption that names no object
    is not compared at all.
    """
    named = read_caption(caption)
    if named.object is None:
        return {}
    match = {"object": (named.object, named.count) == (seen.object, seen.count)}
    if named.colour:
        match["colour"] = named.colour == seen.colour
    if named.background:
        match["background"] = named.background == seen.background
    return match | {"place": (named.place or "middle") == (seen.place or "middle")}


def match_rates(matches: Sequence[CaptionMatch]) -> dict[str, float | None]:
    """The share of matches by attribute, and of `all` at once; None where none was compared."""
    hits = {name: [match[name] for match in matches if name in match] for name in ATTRIBUTES}
    hits["all"] = [all(match.values()) for match in matches if match]
    return {name: sum(found) / len(found) if found else None for name, found in hits.items()}


def rates_text(matches: Sequence[CaptionMatch]) -> str:
    """The rates in a sentence: `object 50%, colour 100%, all 50%`."""
    rates = match_rates(matches).items()
    return ", ".join(f"{name} {rate:.0%}" for name, rate in rates if rate is not None)


def match_mark(match: CaptionMatch) -> str:
    """A mark below an image: a tick, or a cross and the attributes that do not match."""
    if not match:
        return ""
    wrong = [name for name, hit in match.items() if not hit]
    return "✗ " + ", ".join(wrong) if wrong else "✓"
