"""Captions to token ids, in the graph, with core TensorFlow ops alone.

Text is lower-cased; letters, digits, marks and apostrophes make words; every other sign is a token
of its own; white space and control characters part them. Bytes that are no UTF-8 become U+FFFD.
"""

import unicodedata

import tensorflow as tf

from t2i_tf.text.vocabulary import UNKNOWN, Vocabulary

_SPACE = r"[\s\p{Z}\p{C}]"
_SIGN = r"[^\s\p{Z}\p{C}\p{L}\p{N}\p{M}']"


def split_words(caption: str) -> list[str]:
    """The tokens of one caption, in Python; the graph's tokenizer gives the same."""
    spaced = "".join(_spaced(character) for character in caption.lower())
    return [word for word in spaced.split(" ") if word]


def _spaced(character: str) -> str:
    if character == "'" or unicodedata.category(character)[0] in "LNM":
        return character
    return " " if unicodedata.category(character)[0] in "ZC" else f" {character} "


def split_in_graph(captions: tf.Tensor) -> tf.RaggedTensor:
    """The tokens of captions, string [B] to string [B, (words)]."""
    text = tf.strings.unicode_transcode(captions, "UTF-8", "UTF-8", errors="replace")
    text = tf.strings.regex_replace(text, _SPACE, " ")
    text = tf.strings.lower(text, encoding="utf-8")
    text = tf.strings.regex_replace(text, f"({_SIGN})", r" \1 ")
    return tf.strings.split(text)


class Tokenizer:
    """A vocabulary as a table in the graph.

    Args:
        vocabulary: the words.
        max_words: N at most; what follows is cut off.
    """

    def __init__(self, vocabulary: Vocabulary, max_words: int):
        self.vocabulary = vocabulary
        self.max_words = max_words
        words = vocabulary.entries[UNKNOWN + 1 :]
        ids = tf.range(UNKNOWN + 1, len(vocabulary), dtype=tf.int64)
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(words, tf.string, shape=[len(words)]), ids
            ),
            default_value=UNKNOWN,
        )

    def __call__(self, captions: tf.Tensor, pad: bool = False) -> tf.Tensor:
        """Captions string [B] to token ids int32 [B, N], 0 where a caption has ended.

        N is the longest caption's length, or `max_words` with `pad`.
        """
        words = split_in_graph(captions)[:, : self.max_words]
        ids = words.with_values(tf.cast(self.table.lookup(words.values), tf.int32))
        return ids.to_tensor(shape=[None, self.max_words if pad else None])

    def words(self, captions: tf.Tensor, pad: bool = False) -> tf.Tensor:
        """The words behind the ids, string [B, N], empty where a caption has ended."""
        words = split_in_graph(captions)[:, : self.max_words]
        return words.to_tensor(default_value="", shape=[None, self.max_words if pad else None])

    def unknown_words(self, caption: str) -> list[str]:
        """The words of a caption that the vocabulary lacks, each once, in order."""
        unknown = (word for word in split_words(caption) if word not in self.vocabulary)
        return list(dict.fromkeys(unknown))


def word_offsets(captions: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Where each word begins and ends in its caption, bytes; for showing, never exported."""
    import tensorflow_text as tf_text  # here alone: serving a model must not need it

    _, begins, ends = tf_text.regex_split_with_offsets(captions, f"{_SPACE}|{_SIGN}", _SIGN)
    return begins, ends
