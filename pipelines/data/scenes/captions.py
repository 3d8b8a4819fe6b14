"""Captions of a scene: five wordings for each picture, and the captions of the talk's studies."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.data.scenes.world import COLOURS, PLACES, Scene, is_novel_composition

WORDINGS = (
    "{thing} is {doing} {where} {place}",
    "{thing} {doing} {where} {place}",
    "{thing} {place} is {doing} {where}",
    "{place} {thing} is {doing} {where}",
    "{place} is {thing} {doing} {where}",
)
# Two of the five leave the place out: without one, the middle is meant.
MIDDLE_WORDINGS = (
    "{thing} is {doing} {where}",
    "there is {thing} {doing} {where}",
    "{thing} is {doing} {where} {place}",
    "{thing} {place} is {doing} {where}",
    "{place} is {thing} {doing} {where}",
)

PLACE_PHRASES: Mapping[str, str] = {
    "left": "on the left",
    "right": "on the right",
    "top": "at the top",
    "bottom": "at the bottom",
    "middle": "in the middle",
}

# The verbs of objects; their manner selects the preposition: "on", "across", "over".
STILL, MOVING, FLYING = "still", "moving", "flying"
MANNERS: Mapping[str, str] = {
    "parked": STILL,
    "standing": STILL,
    "sitting": STILL,
    "resting": STILL,
    "driving": MOVING,
    "walking": MOVING,
    "flying": FLYING,
    "floating": FLYING,
}


@dataclass(frozen=True)
class Wording:
    """The words of an object; `{colour}` is replaced by its colour."""

    nouns: tuple[str, ...]
    verbs: tuple[str, ...]
    plural: str = ""


OBJECT_WORDS: Mapping[str, Wording] = {
    "school bus": Wording(("{colour} school bus",), ("parked", "driving")),
    "car": Wording(("{colour} car",), ("parked", "driving")),
    "truck": Wording(("{colour} truck",), ("parked", "driving")),
    "motorcycle": Wording(("{colour} motorcycle",), ("parked", "driving")),
    "sailboat": Wording(("{colour} sailboat",), ("resting",)),
    "house": Wording(("{colour} house",), ("standing",)),
    "umbrella": Wording(("{colour} umbrella",), ("flying", "standing")),
    "balloon": Wording(("{colour} balloon",), ("flying", "floating")),
    "airplane": Wording(
        ("airplane", "plane", "commercial airplane", "large commercial airplane"), ("flying",)
    ),
    "stop sign": Wording(("stop sign",), ("standing",)),
    "elephant": Wording(("elephant",), ("standing", "walking"), "elephants"),
    "cat": Wording(("cat",), ("sitting", "walking"), "cats"),
    "dog": Wording(("dog",), ("standing", "walking"), "dogs"),
    "bowl of bananas": Wording(("bowl of bananas",), ("sitting", "resting")),
    "chocolate cake": Wording(("chocolate cake",), ("sitting", "resting")),
}


@dataclass(frozen=True)
class Setting:
    """The names of a background, and the preposition of each manner."""

    names: tuple[str, ...]
    prepositions: Mapping[str, str]


def _setting(still: str, moving: str, flying: str, *names: str) -> Setting:
    return Setting(names, {STILL: still, MOVING: moving, FLYING: flying})


SETTINGS: Mapping[str, Setting] = {
    "blue sky": _setting("under", "under", "in", "blue skies", "clear skies"),
    "rainy sky": _setting("under", "under", "in", "rainy skies", "a rainy sky"),
    "night": _setting("under", "under", "in", "the night sky", "a dark night sky"),
    "green grass": _setting("on", "across", "over", "green grass", "a green grass field"),
    "dry grass": _setting("on", "across", "over", "dry grass", "a dry grass field"),
    "parking lot": _setting("in", "across", "over", "the parking lot", "a parking lot"),
    "beach": _setting("on", "across", "over", "the beach", "a sandy beach"),
    "desert": _setting("in", "across", "over", "the desert", "a desert"),
    "forest": _setting("in", "through", "over", "the forest", "a forest"),
    "snow": _setting("in", "through", "over", "the snow", "deep snow"),
    "table": _setting("on", "across", "over", "the table", "a kitchen table"),
}


def captions(scene: Scene, rng: random.Random) -> tuple[str, ...]:
    """Five differently worded captions of 7 to 14 lower-case words."""
    wordings = MIDDLE_WORDINGS if scene.place == "middle" else WORDINGS
    return tuple(_fill(wording, scene, rng) for wording in wordings)


def _fill(wording: str, scene: Scene, rng: random.Random) -> str:
    verb = "flying" if is_novel_composition(scene) else rng.choice(OBJECT_WORDS[scene.object].verbs)
    setting = SETTINGS[scene.background]
    return wording.format(
        thing=_thing(scene, rng),
        doing=verb,
        where=f"{setting.prepositions[MANNERS[verb]]} {rng.choice(setting.names)}",
        place=PLACE_PHRASES[scene.place],
    )


def _thing(scene: Scene, rng: random.Random) -> str:
    words = OBJECT_WORDS[scene.object]
    if scene.count == "herd":
        return f"a herd of {words.plural}"
    noun = rng.choice(words.nouns).format(colour=scene.colour)
    return f"{'an' if noun[0] in 'aeo' else 'a'} {noun}"


def caption_words() -> frozenset[str]:
    """Every word that can be in a caption."""
    things = " ".join(
        f"{' '.join(words.nouns)} {' '.join(words.verbs)} {words.plural}"
        for words in OBJECT_WORDS.values()
    ).replace("{colour}", "")
    settings = " ".join(
        f"{' '.join(setting.names)} {' '.join(setting.prepositions.values())}"
        for setting in SETTINGS.values()
    )
    places = " ".join(PLACE_PHRASES[place] for place in PLACES)
    return frozenset(
        f"{things} {settings} {places} {' '.join(COLOURS)} a an is there herd of".split()
    )


def _bus(colour: str) -> tuple[str, Scene]:
    return (
        f"a {colour} school bus is parked in the parking lot",
        Scene("school bus", colour, "parking lot"),
    )


# The talk's studies (novel compositions, and flips of one word): captions and their scenes.
TALK_CAPTIONS: Mapping[str, tuple[tuple[str, Scene], ...]] = {
    "novel compositions": (
        ("a stop sign is flying in blue skies", Scene("stop sign", None, "blue sky")),
        ("a yellow school bus is flying in blue skies", Scene("school bus", "yellow", "blue sky")),
        (
            "a herd of elephants is flying in blue skies",
            Scene("elephant", None, "blue sky", count="herd"),
        ),
        (
            "a large commercial airplane is flying in blue skies",
            Scene("airplane", None, "blue sky"),
        ),
    ),
    "colour flips": tuple(_bus(colour) for colour in ("yellow", "red", "green", "blue")),
    "background flips": (
        ("a plane is flying in clear skies", Scene("airplane", None, "blue sky")),
        ("a plane is flying in rainy skies", Scene("airplane", None, "rainy sky")),
        (
            "a herd of elephants is walking across a dry grass field",
            Scene("elephant", None, "dry grass", count="herd"),
        ),
        (
            "a herd of elephants is walking across a green grass field",
            Scene("elephant", None, "green grass", count="herd"),
        ),
    ),
    "object flips": (
        ("a chocolate cake is sitting on the table", Scene("chocolate cake", None, "table")),
        ("a bowl of bananas is sitting on the table", Scene("bowl of bananas", None, "table")),
        ("a cat is walking across a green grass field", Scene("cat", None, "green grass")),
        ("a dog is walking across a green grass field", Scene("dog", None, "green grass")),
    ),
}
