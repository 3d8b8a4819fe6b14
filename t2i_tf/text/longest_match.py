"""Words of scripts without spaces: from left to right, each time the longest that is known.

What separates words in such a script is its readers' knowledge of them. Here the words that a
vocabulary has stand for it, so that a graph of core TensorFlow ops needs no dictionary. A letter
that begins no known word is a word by itself.
"""

from collections.abc import Container

import tensorflow as tf

from t2i_tf.text.scripts import UNIT, units
from t2i_tf.text.vocabulary import UNKNOWN


def longest_match(piece: str, known: Container[str], limit: int) -> list[str]:
    """The words of a piece, of at most `limit` letters each.

    >>> longest_match("黑色的猫", {"黑", "黑色", "猫"}, 2)
    ['黑色', '的', '猫']
    """
    rest, words = units(piece), []
    while rest:
        sizes = range(min(limit, len(rest)), 1, -1)
        size = next((size for size in sizes if "".join(rest[:size]) in known), 1)
        words.append("".join(rest[:size]))
        rest = rest[size:]
    return words


@tf.autograph.experimental.do_not_convert
def longest_match_in_graph(
    pieces: tf.RaggedTensor, ids: tf.lookup.StaticHashTable, limit: int
) -> tf.RaggedTensor:
    """The words of pieces string [B, (N)], as `longest_match` finds them: string [B, (M)].

    Args:
        pieces: parts of captions; none has white space.
        ids: ids of the known words.
        limit: letters of the longest known word.
    """
    parts = tf.strings.split(tf.strings.regex_replace(pieces.flat_values, UNIT, r" \0 "))
    letters, piece = parts.flat_values, parts.value_rowids()
    sizes = _sizes(letters, tf.gather(parts.row_limits(), piece), ids, limit)
    begins = _reached(tf.range(tf.size(letters)) + sizes)
    word = tf.cumsum(tf.cast(begins, tf.int32)) - 1
    words = tf.strings.unsorted_segment_join(letters, word, tf.math.count_nonzero(begins))
    rows = tf.gather(pieces.value_rowids(), tf.boolean_mask(piece, begins))
    return tf.RaggedTensor.from_value_rowids(words, rows, pieces.nrows())


def _sizes(
    letters: tf.Tensor, ends: tf.Tensor, ids: tf.lookup.StaticHashTable, limit: int
) -> tf.Tensor:
    """Letters of the longest known word that begins at each letter, at least 1: int32 [F]."""
    place, ends = tf.range(tf.size(letters)), tf.cast(ends, tf.int32)

    def lengthen(size, sizes, candidates):
        end = tf.minimum(place + size - 1, tf.size(letters) - 1)
        candidates = tf.strings.join([candidates, tf.gather(letters, end)])
        known = (place + size <= ends) & (ids.lookup(candidates) > UNKNOWN)
        return size + 1, tf.where(known, size, sizes), candidates

    state = (tf.constant(2), tf.ones_like(place), letters)
    return tf.while_loop(lambda size, *_: size <= limit, lengthen, state)[1]


def _reached(following: tf.Tensor) -> tf.Tensor:
    """Which letters begin a word, bool [F], where the word after that of letter i is at [i].

    Paths from the first letter, their steps doubled each time.
    """
    end = tf.size(following)
    jump = tf.concat([following, [end]], 0)
    reached = tf.scatter_nd([[0]], [1], [end + 1])

    def double(step, reached, jump):
        reached = tf.tensor_scatter_nd_max(reached, jump[:, None], reached)
        return 2 * step, reached, tf.gather(jump, jump)

    loop = tf.while_loop(lambda step, *_: step <= end, double, (tf.constant(1), reached, jump))
    return loop[1][:-1] > 0
