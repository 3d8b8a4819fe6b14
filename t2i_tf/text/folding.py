"""One spelling for letters that differ in case or in how their accents are written.

Unicode's full case folding (ß is ss) in NFC, the same in Python and in a graph of core TensorFlow
ops. Not by Unicode's rule: the Turkish İ is an i, where folding leaves an i and a dot above it.
"""

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
import tensorflow as tf

_DOT_ABOVE, _DOTTED = 0x307, "i\u0307"
# Beyond this code point, nothing has a case or another spelling but Han for compatibility.
_COMMON, _COMPATIBLE_HAN = 0x1F000, range(0x2F800, 0x2FA20)
# Korean syllables are composed by arithmetic: leading consonant, vowel, trailing consonant.
_LEADING, _VOWEL, _TRAILING, _SYLLABLE = 0x1100, 0x1161, 0x11A7, 0xAC00
_LEADINGS, _VOWELS, _TRAILINGS = 19, 21, 28
_SYLLABLES = range(_SYLLABLE, _SYLLABLE + _LEADINGS * _VOWELS * _TRAILINGS)
_CLASSES = 256  # combining classes are smaller
_PAIR = 2**32  # code points are smaller


def folded(text: str) -> str:
    """The text in the one spelling.

    >>> folded("STRASSE") == folded("straße")
    True
    """
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return unicodedata.normalize("NFC", decomposed.replace(_DOTTED, "i"))


def folded_in_graph(texts: tf.Tensor) -> tf.Tensor:
    """Texts string [B] as `folded` spells them; bytes that are not UTF-8 become U+FFFD."""
    ascii_only = tf.reduce_all(tf.strings.regex_full_match(texts, r"[\x00-\x7f]*"))
    return tf.cond(ascii_only, lambda: tf.strings.lower(texts), lambda: _folded(texts))


class _Characters(NamedTuple):
    """The characters of several texts, one after the other; each text begins with a space."""

    points: tf.Tensor  # int32 [F], code points
    rows: tf.Tensor  # int64 [F], the text of each


# Traced once, although many graphs of a program hold it: tracing takes a second.
@tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
def _folded(texts: tf.Tensor) -> tf.Tensor:
    # With a space before it, an accent without a letter is one like all others.
    ragged = tf.strings.unicode_decode(tf.strings.join([" ", texts]), "UTF-8")
    text = _decomposed(_Characters(ragged.flat_values, ragged.value_rowids()))
    text = _composed(_without_dots(_ordered(text)))
    ragged = tf.RaggedTensor.from_value_rowids(text.points, text.rows, ragged.nrows())
    return tf.strings.regex_replace(tf.strings.unicode_encode(ragged, "UTF-8"), "^ ", "")


def _decomposed(text: _Characters) -> _Characters:
    """Every character folded, and its accents apart."""
    spellings = _spellings()
    place, found = _find(text.points, np.array(list(spellings), np.int32))
    longest = max(map(len, spellings.values()))
    table = [[*map(ord, one.ljust(longest, "\0"))] for one in spellings.values()]
    alone = tf.pad(text.points[:, None], [[0, 0], [0, longest - 1]])
    points = tf.where(found[:, None], tf.gather(np.array(table, np.int32), place), alone)
    kept = tf.concat([points[:, :1] >= 0, points[:, 1:] > 0], 1)  # a caption may hold a NUL
    rows = tf.repeat(text.rows, tf.math.count_nonzero(kept, axis=1))
    return _Characters(tf.boolean_mask(points, kept), rows)


def _ordered(text: _Characters) -> _Characters:
    """Accents after a letter in Unicode's canonical order."""
    classes, letter = _classes(text.points)
    order = tf.argsort(letter * _CLASSES + classes, stable=True)
    return _Characters(tf.gather(text.points, order), text.rows)


def _without_dots(text: _Characters) -> _Characters:
    """Without a dot above an i."""
    before = tf.roll(text.points, 1, 0)
    kept = (text.points != _DOT_ABOVE) | (before != ord("i"))
    return _Characters(tf.boolean_mask(text.points, kept), tf.boolean_mask(text.rows, kept))


def _composed(text: _Characters) -> _Characters:
    """Letters with their accents as one character, where Unicode has it."""

    def compose(points, rows, _):
        classes, letter = _classes(points)
        place, is_letter = tf.range(tf.size(points)), classes == 0
        letters = tf.cast(tf.where(is_letter)[:, 0], tf.int32)
        last = tf.gather(letters, tf.maximum(letter - 1 - tf.cast(is_letter, tf.int32), 0))
        before = tf.maximum(place - 1, 0)
        unblocked = (before == last) | ~is_letter & (tf.gather(classes, before) < classes)
        composite = _composite(tf.gather(points, last), points)
        fits = (place > last) & unblocked & (composite > 0)
        fits &= ~tf.gather(fits, last)  # what is itself taken into another waits its turn
        count = tf.size(points)
        earliest = tf.math.unsorted_segment_min(tf.where(fits, place, count), last, count)
        fits &= tf.gather(earliest, last) == place
        at = tf.boolean_mask(last, fits)[:, None]
        points = tf.tensor_scatter_nd_update(points, at, tf.boolean_mask(composite, fits))
        kept = ~fits
        return tf.boolean_mask(points, kept), tf.boolean_mask(rows, kept), tf.reduce_any(fits)

    shapes = (tf.TensorShape([None]), tf.TensorShape([None]), tf.TensorShape([]))
    loop = tf.while_loop(lambda *state: state[2], compose, (*text, tf.constant(True)), shapes)
    return _Characters(*loop[:2])


def _composite(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """What two characters compose to, int32 [F]; 0 where to nothing."""
    pairs = _pairs()
    keys = np.array(list(pairs), np.int64)
    place, found = _find(tf.cast(first, tf.int64) * _PAIR + tf.cast(second, tf.int64), keys)
    composite = tf.where(found, tf.gather(np.array(list(pairs.values()), np.int32), place), 0)
    leading, vowel, trailing = first - _LEADING, second - _VOWEL, second - _TRAILING
    syllable = _SYLLABLE + (leading * _VOWELS + vowel) * _TRAILINGS
    open_ = _within(first - _SYLLABLE, len(_SYLLABLES)) & ((first - _SYLLABLE) % _TRAILINGS == 0)
    composite = tf.where(_within(leading, _LEADINGS) & _within(vowel, _VOWELS), syllable, composite)
    closed = open_ & _within(trailing - 1, _TRAILINGS - 1)
    return tf.where(closed, first + trailing, composite)


def _classes(points: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The combining class of each character, and how many letters there are up to it: int32 [F].

    A letter is what others combine with: class 0.
    """
    known = _combining()
    place, found = _find(points, np.array(list(known), np.int32))
    classes = tf.where(found, tf.gather(np.array(list(known.values()), np.int32), place), 0)
    return classes, tf.cumsum(tf.cast(classes == 0, tf.int32))


def _find(values: tf.Tensor, keys: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
    """Where values are among ascending keys, and whether they are there."""
    place = tf.minimum(tf.searchsorted(keys, values), len(keys) - 1)
    return place, tf.gather(keys, place) == values


def _within(number: tf.Tensor, end: int) -> tf.Tensor:
    return (number >= 0) & (number < end)


@cache
def _spellings() -> dict[int, str]:
    """Code points that are spelt otherwise, ascending, and how: folded, accents apart."""
    found = {}
    for point in (*range(_COMMON), *_COMPATIBLE_HAN):
        if not (0xD800 <= point < 0xE000 or point in _SYLLABLES):
            spelling = unicodedata.normalize("NFD", chr(point).casefold())
            if spelling != chr(point):
                found[point] = spelling
    return found


@cache
def _combining() -> dict[int, int]:
    """Combining classes that are not 0, by code point, ascending."""
    classes = ((point, unicodedata.combining(chr(point))) for point in range(_COMMON))
    return {point: number for point, number in classes if number}


@cache
def _pairs() -> dict[int, int]:
    """Composites by first * _PAIR + second, ascending."""
    found = {}
    for point in range(_COMMON):
        parts = unicodedata.decomposition(chr(point)).split()
        if (
            len(parts) == 2
            and "<" not in parts[0]
            and unicodedata.normalize("NFC", chr(point)) == chr(point)
        ):
            first, second = (int(part, 16) for part in parts)
            found[first * _PAIR + second] = point
    return dict(sorted(found.items()))
