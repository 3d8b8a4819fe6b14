"""Whether what was seen in a picture is what its caption asks for, attribute by attribute."""

from collections.abc import Mapping, Sequence

from pipelines.data.scenes.caption_parser import Named, read_caption
from pipelines.data.scenes.world import Scene

Verdict = Mapping[str, bool]  # by attribute, those that the caption names alone


def verdict(caption: str, seen: Scene | Named) -> Verdict:
    """Compare a caption of the scenes with what a judge, or another caption, says.

    An object is right when its count is too; one without a place is in the middle. Colours and
    backgrounds that the caption leaves open are not compared, and nothing is of a caption that
    names no object.
    """
    asked = read_caption(caption)
    if asked.object is None:
        return {}
    right = {"object": (asked.object, asked.count) == (seen.object, seen.count)}
    if asked.colour:
        right["colour"] = asked.colour == seen.colour
    if asked.background:
        right["background"] = asked.background == seen.background
    return right | {"place": (asked.place or "middle") == (seen.place or "middle")}


def shares(verdicts: Sequence[Verdict]) -> dict[str, float | None]:
    """The share of right answers by attribute, and of `all` at once; None where none was asked."""
    names = ("object", "colour", "background", "place")
    asked = {name: [v[name] for v in verdicts if name in v] for name in names}
    asked["all"] = [all(v.values()) for v in verdicts if v]
    return {name: sum(hits) / len(hits) if hits else None for name, hits in asked.items()}


def in_words(right: Verdict) -> str:
    """A verdict under a picture: a tick, or a cross and what is wrong."""
    if not right:
        return ""
    wrong = [name for name, hit in right.items() if not hit]
    return "✗ " + ", ".join(wrong) if wrong else "✓"
