"""Parses captions of the scenes: which object, colour, place and background they name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pipelines.data.scenes.captions import OBJECT_WORDS, PLACE_PHRASES, SETTINGS
from pipelines.data.scenes.world import COLOURS, Scene
from t2i_tf.text.tokenizer import split_words

_ARTICLES = ("a", "an", "the")
_COLOUR = "{colour}"
T = TypeVar("T")


@dataclass(frozen=True)
class Named:
    """What a caption names; None for an attribute that it does not name."""

    object: str | None
    count: str | None
    colour: str | None
    place: str | None
    background: str | None

    def right(self, scene: Scene) -> dict[str, bool]:
        """Whether the caption names what a scene shows, for each attribute.

        An object is right if its count is right, too. A caption without a place means the middle.
        The colour is None for an object that has a colour of its own.
        """
        return {
            "object": (self.object, self.count) == (scene.object, scene.count),
            "colour": self.colour == scene.colour,
            "place": (self.place or "middle") == scene.place,
            "background": self.background == scene.background,
        }


def read_caption(caption: str) -> Named:
    """What a caption names; the first of several objects, places or backgrounds."""
    words = split_words(caption)
    place, background = (_first(words, phrases) for phrases in (_PLACES, _BACKGROUNDS))
    found = _first_at(words, _THINGS)
    if found is None:
        return Named(None, None, None, place, background)
    (name, count), at = found
    # Grass is green and skies are blue: only a colour right before the object is the object's.
    colour = words[at - 1] if at and words[at - 1] in COLOURS else None
    return Named(name, count, colour, place, background)


def _things() -> Iterator[tuple[str, tuple[str, str]]]:
    for name, words in OBJECT_WORDS.items():
        for noun in words.nouns:
            yield noun.removeprefix(_COLOUR).strip(), (name, "one")
        if words.plural:
            yield f"herd of {words.plural}", (name, "herd")


def _settings() -> Iterator[tuple[str, str]]:
    for background, setting in SETTINGS.items():
        for name in setting.names:
            first, _, rest = name.partition(" ")
            yield (rest if first in _ARTICLES else name), background


def _phrases(named: Iterator[tuple[str, T]]) -> Mapping[tuple[str, ...], T]:
    """Meanings by the words of a phrase, long phrases first."""
    longest_first = sorted(named, key=lambda entry: -len(entry[0].split()))
    return {tuple(phrase.split()): meaning for phrase, meaning in longest_first}


_THINGS = _phrases(_things())
_BACKGROUNDS = _phrases(_settings())
_PLACES = _phrases((phrase, place) for place, phrase in PLACE_PHRASES.items())


def _first_at(words: Sequence[str], phrases: Mapping[tuple[str, ...], T]) -> tuple[T, int] | None:
    """The meaning of the first phrase among the words, and where it begins."""
    for at in range(len(words)):
        for phrase, meaning in phrases.items():
            if phrase[0] == words[at] and phrase == tuple(words[at : at + len(phrase)]):
                return meaning, at
    return None


def _first(words: Sequence[str], phrases: Mapping[tuple[str, ...], T]) -> T | None:
    found = _first_at(words, phrases)
    return None if found is None else found[0]
