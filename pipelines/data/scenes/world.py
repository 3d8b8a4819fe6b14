"""The world of the scenes: the objects, where they can be, and what is held out of training.

A scene has one kind of object, in one colour, at one place on one background. The world follows
the talk's pictures: a school bus in a parking lot, elephants crossing a field, a plane in the sky.
"""

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
PLACES = ("left", "right", "top", "bottom", "middle")
COUNTS = ("one", "herd")

SKIES = ("blue sky", "rainy sky", "night")
GROUNDS = ("green grass", "dry grass", "parking lot", "beach", "desert", "forest", "snow")
BACKGROUNDS = (*SKIES, *GROUNDS, "table")


@dataclass(frozen=True)
class Kind:
    """The properties of one kind of object."""

    backgrounds: tuple[str, ...]
    coloured: bool = False  # in all of COLOURS; otherwise it has a colour of its own
    herds: bool = False  # also appears as a herd


OUTDOORS = SKIES + GROUNDS

OBJECTS: Mapping[str, Kind] = {
    "school bus": Kind(OUTDOORS, coloured=True),
    "car": Kind(OUTDOORS, coloured=True),
    "truck": Kind(OUTDOORS, coloured=True),
    "motorcycle": Kind(OUTDOORS, coloured=True),
    "sailboat": Kind(OUTDOORS, coloured=True),
    "house": Kind(OUTDOORS, coloured=True),
    "umbrella": Kind(OUTDOORS, coloured=True),
    "balloon": Kind(OUTDOORS, coloured=True),
    "airplane": Kind(OUTDOORS),
    "stop sign": Kind(OUTDOORS),
    "elephant": Kind(OUTDOORS, herds=True),
    "cat": Kind(BACKGROUNDS, herds=True),
    "dog": Kind(BACKGROUNDS, herds=True),
    "bowl of bananas": Kind((*GROUNDS, "table")),
    "chocolate cake": Kind((*GROUNDS, "table")),
}

# One colour of each coloured object, a different one each: training sees every colour elsewhere.
HELD_OUT_COLOURS: Mapping[str, str] = {
    "school bus": "purple",
    "car": "green",
    "truck": "pink",
    "motorcycle": "orange",
    "sailboat": "red",
    "house": "blue",
    "umbrella": "yellow",
    "balloon": "white",
}

# The talk's novel compositions (object, count), all of them "flying in blue skies".
NOVEL_BACKGROUND = "blue sky"
NOVEL_FLYERS = (("stop sign", "one"), ("school bus", "one"), ("elephant", "herd"))


@dataclass(frozen=True)
class Scene:
    """The contents of a picture. `colour` is None for an object that has a colour of its own."""

    object: str
    colour: str | None
    background: str
    place: str = "middle"
    count: str = "one"

    def attributes(self) -> dict[str, Any]:
        """The scene as JSON; `Scene(**attributes)` is the inverse."""
        return asdict(self)


def is_novel_composition(scene: Scene) -> bool:
    """Whether this is one of the talk's compositions of objects that never fly in training."""
    return scene.background == NOVEL_BACKGROUND and (scene.object, scene.count) in NOVEL_FLYERS


def is_held_out(scene: Scene) -> bool:
    """Whether this composition is only in the split `held_out`."""
    return is_novel_composition(scene) or (
        scene.colour is not None and HELD_OUT_COLOURS[scene.object] == scene.colour
    )


def held_out_compositions() -> list[dict[str, str]]:
    """The held-out compositions, each as the attributes that define it."""
    novel = [
        {"object": name, "count": count, "background": NOVEL_BACKGROUND}
        for name, count in NOVEL_FLYERS
    ]
    return novel + [{"object": name, "colour": c} for name, c in HELD_OUT_COLOURS.items()]


def sample_scene(rng: random.Random, held_out: bool = False) -> Scene:
    """Samples a scene: one of the held-out compositions, or none of them."""
    while True:
        scene = _sample_any(rng)
        if is_held_out(scene) == held_out:
            return scene


def _sample_any(rng: random.Random) -> Scene:
    """Samples the background first, so that all of them are equally frequent."""
    background = rng.choice(BACKGROUNDS)
    name = rng.choice([name for name, kind in OBJECTS.items() if background in kind.backgrounds])
    kind = OBJECTS[name]
    return Scene(
        object=name,
        colour=rng.choice(COLOURS) if kind.coloured else None,
        background=background,
        place=rng.choice(PLACES),
        count=rng.choice(COUNTS) if kind.herds else "one",
    )
