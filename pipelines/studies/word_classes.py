"""The class of each word of a caption: object, colour, place, and so on."""

from collections.abc import Sequence

from pipelines.data.scenes.captions import MANNERS, OBJECT_WORDS, PLACE_PHRASES, SETTINGS
from pipelines.data.scenes.world import COLOURS
from pipelines.data.sources.mnist_captions import TEMPLATES, WORDS
from t2i_tf.text.scripts import is_mark

CLASSES = (
    "object",
    "colour",
    "place",
    "background",
    "verb",
    "other",
    "function",
    "punctuation",
)

# Articles, pronouns, auxiliary verbs, prepositions and conjunctions of captions.
_ARTICLES = "a an the this that these those some any no"
_PRONOUNS = "there it its his her their"
_AUXILIARIES = "is are was were be been being has have had do does"
_PREPOSITIONS = (
    "of in on at to from by for with into onto over under across through near behind above below "
    "between beside along around up down off out"
)
FUNCTION_WORDS = frozenset(
    f"{_ARTICLES} {_PRONOUNS} {_AUXILIARIES} {_PREPOSITIONS} and or but while as".split()
)


def _words(phrases) -> frozenset[str]:
    words = {word for phrase in phrases for word in phrase.split()}
    return frozenset(words - FUNCTION_WORDS - {"{colour}"})


_OBJECTS = _words(
    phrase for words in OBJECT_WORDS.values() for phrase in (*words.nouns, words.plural, "herd")
) | frozenset(WORDS)
_PLACES = _words((*PLACE_PHRASES.values(), *(template.place for template in TEMPLATES)))
_BACKGROUNDS = _words(name for setting in SETTINGS.values() for name in setting.names)
_BACKGROUND_COLOURS = _BACKGROUNDS & frozenset(COLOURS)  # green grass, blue skies


def word_classes(words: Sequence[str]) -> list[str]:
    """The class of each word of a caption, one of `CLASSES`.

    Words of the scenes, and digits and places of MNIST with captions, are classified by their
    meaning. Other captions have classes for colours, function words and punctuation marks only,
    the rest is "other". A colour followed by a word for a background belongs to the background.
    """
    following = [*words[1:], ""]
    return [_class(word, after) for word, after in zip(words, following, strict=True)]


def _class(word: str, after: str) -> str:
    if is_mark(word):
        return "punctuation"
    if word in _BACKGROUND_COLOURS and after in _BACKGROUNDS:
        return "background"
    kinds = {
        "function": FUNCTION_WORDS,
        "colour": COLOURS,
        "place": _PLACES,
        "object": _OBJECTS,
        "background": _BACKGROUNDS,
        "verb": MANNERS,
    }
    return next((name for name, words in kinds.items() if word in words), "other")
