"""The authors' words: a pickled dictionary of word and id, or the 22 words of their MNIST."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t2i_tf.authors.plain_pickle import load_plain_pickle
from t2i_tf.errors import UserError
from t2i_tf.text.tokenizer import split_words
from t2i_tf.text.vocabulary import RESERVED

UNKNOWN_WORD = "UNK"  # as it stands in the authors' dictionary
DICTIONARY = "dictionary.pkl"

_NUMERALS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_MNIST_WORDS = (
    *map(str, range(10)),
    *("the", "digit", "is", "on", "at", "left", "right", "bottom", "top", "of", "image", "."),
)


@dataclass(frozen=True)
class Dictionary:
    """Words and their ids, which are rows of the authors' weights.

    Args:
        name: where it comes from, for people.
        ids: id of each word.
    """

    name: str
    ids: Mapping[str, int]

    def id_of(self, word: str) -> int | None:
        """The id of a word; None for one that the dictionary lacks.

        A numeral in letters has that of its digit where it has none itself, and the unknown word
        has its own in lower case too, as captions have it.
        """
        if word in self.ids:
            return self.ids[word]
        if word == UNKNOWN_WORD.lower():
            return self.unknown
        return self.ids.get(str(_NUMERALS.index(word))) if word in _NUMERALS else None

    @property
    def unknown(self) -> int | None:
        """The id of the unknown word; None where there is none."""
        return self.ids.get(UNKNOWN_WORD)

    @property
    def pads(self) -> bool:
        """Whether id 0 is padding: no word has it."""
        return 0 not in self.ids.values()

    @property
    def words(self) -> tuple[str, ...]:
        """The words that a vocabulary can hold, but for the unknown one, by their ids."""
        kept = (word for word in self.ids if word != UNKNOWN_WORD and is_writable(word))
        return tuple(sorted(kept, key=self.ids.__getitem__))

    def unreachable(self) -> list[str]:
        """The words that no caption can have here, as `split_words` divides or changes them."""
        others = sorted(self.ids.keys() - {UNKNOWN_WORD}, key=self.ids.__getitem__)
        return [word for word in others if split_words(word) != [word]]


def is_writable(word: str) -> bool:
    """Whether a word can stand in a vocabulary: it is not empty, reserved, or with white space."""
    return bool(word) and word not in RESERVED and not any(map(str.isspace, word))


MNIST_DICTIONARY = Dictionary(
    "the 22 words of MNIST with captions", {word: id for id, word in enumerate(_MNIST_WORDS)}
)


def read_dictionary(path: Path) -> Dictionary:
    """A pickled dict of word and id.

    Raises:
        UserError: it is something else, or two words have one id.
    """
    value = load_plain_pickle(path)
    if not isinstance(value, dict) or not value:
        raise UserError(f"{path}: expected a dictionary of word and id, got {_described(value)}.")
    ids: dict[str, int] = {}
    words: dict[int, str] = {}
    for word, id in value.items():
        if type(word) is not str or type(id) is not int or id < 0:
            raise UserError(f"{path}: expected a word and an id from 0 on, got {word!r}: {id!r}.")
        word = _decoded(word)
        if words.setdefault(id, word) != word or ids.setdefault(word, id) != id:
            raise UserError(
                f"{path}: expected an id of its own for each word, got {id} for {words[id]!r} and"
                f" for {word!r}."
            )
    return Dictionary(str(path), ids)


def _decoded(word: str) -> str:
    """A byte string of Python 2 that is UTF-8, read as Latin-1 before, as the word that it is."""
    try:
        return word.encode("latin1").decode()
    except UnicodeError:
        return word


def _described(value: Any) -> str:
    return "an empty one" if value == {} else f"a {type(value).__name__}"
