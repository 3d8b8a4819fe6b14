"""Captions to words and token ids, in Python and in the graph alike.

Words are lower-case; an apostrophe between letters belongs to its word, any other punctuation mark
is a word of its own, and whatever is neither a mark nor white space is a letter: accents, digits
and every script. The same pattern is read by Python's `re` and by RE2, TensorFlow's. The graph has
core TensorFlow ops only, so that a SavedModel with it loads anywhere.
"""

import re

import tensorflow as tf

from t2i_tf.text.vocabulary import PAD, UNKNOWN, Vocabulary

# Ranges of code points, in place of \s, \w and \p, of which the two engines have their own ideas.
_SPACE = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200b\u2028-\u202f\u205f\u3000\ufeff"
_MARK = (
    r"!-/:-@\[-`{-~\xa1-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb\xbf\xd7\xf7"
    r"\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u3001-\u3003\u3008-\u301f"
    r"\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)


def _for_both(pattern: str) -> str:
    """Writes \\uXXXX out as the character: RE2 does not know the escape."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), pattern)


SPACES = _for_both(f"[{_SPACE}]+")
WORD = _for_both(rf"[^{_SPACE}{_MARK}]+(?:['\u2019][^{_SPACE}{_MARK}]+)*|[{_MARK}]")
CURLED = "\u2019"  # the typographer's apostrophe, read as the plain one

_find_words = re.compile(WORD).findall


def split_words(text: str) -> list[str]:
    """The words of a caption.

    >>> split_words("A dog's  red ball, thrown.")
    ['a', "dog's", 'red', 'ball', ',', 'thrown', '.']
    """
    return _find_words(text.lower().replace(CURLED, "'"))


def split_in_graph(captions: tf.Tensor) -> tf.RaggedTensor:
    """What `split_words` does, of captions string [B] at once: string [B, (N)].

    Bytes that are not UTF-8 become U+FFFD.
    """
    text = tf.strings.lower(captions, encoding="utf-8")
    text = tf.strings.regex_replace(text, CURLED, "'")
    text = tf.strings.regex_replace(text, SPACES, " ")
    return tf.strings.split(tf.strings.regex_replace(text, WORD, r"\0 "))


def word_offsets(captions: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Where the words of captions string [B] stand, to be shown to people; never exported.

    Returns:
        Of each word its first byte, and the one after its last, int64 [B, (N)].
    """
    import tensorflow_text  # here alone: an exported graph with its ops would need that library

    pattern = f"{SPACES}|{WORD}"
    _, begins, ends = tensorflow_text.regex_split_with_offsets(captions, pattern, WORD)
    return begins, ends


class Tokenizer(tf.Module):
    """Gives captions the ids of a vocabulary.

    The table is made from memory, so that an exported graph needs no file. What is exported must
    hold the tokenizer as an attribute, or TensorFlow cannot find the table.

    Args:
        vocabulary: the ids.
        max_words: longer captions lose their end.
    """

    def __init__(self, vocabulary: Vocabulary, max_words: int):
        super().__init__(name="tokenizer")
        self.vocabulary = vocabulary
        self.max_words = max_words
        words = vocabulary.entries
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                words, list(range(len(words))), tf.string, tf.int32
            ),
            default_value=UNKNOWN,
        )

    def __call__(self, captions: tf.Tensor, pad: bool = False) -> tf.Tensor:
        """The ids of captions.

        Args:
            captions: string [B].
            pad: make N `max_words` instead of the length of the longest caption.

        Returns:
            int32 [B, N], filled up with 0.
        """
        words = self._split(captions)
        ids = words.with_flat_values(self.table.lookup(words.flat_values))
        return ids.to_tensor(PAD, shape=[None, self.max_words if pad else None])

    def words(self, captions: tf.Tensor, pad: bool = False) -> tf.Tensor:
        """The words behind the ids, string [B, N], "" where a caption has ended."""
        return self._split(captions).to_tensor("", shape=[None, self.max_words if pad else None])

    def sentences(self, token_ids: tf.Tensor) -> tf.Tensor:
        """The captions that ids int32 [B, N] stand for, string [B]: words with spaces between."""
        entries = tf.constant(["", *self.vocabulary.entries[PAD + 1 :]])
        return tf.strings.strip(
            tf.strings.reduce_join(tf.gather(entries, token_ids), -1, separator=" ")
        )

    def lengths(self, captions: tf.Tensor) -> tf.Tensor:
        """Words of each caption, not cut at `max_words`: int64 [B]."""
        return split_in_graph(captions).row_lengths()

    def unknown_words(self, caption: str) -> list[str]:
        """Words of a caption that the vocabulary lacks, each once, in order."""
        return [word for word in dict.fromkeys(split_words(caption)) if word not in self.vocabulary]

    def _split(self, captions: tf.Tensor) -> tf.RaggedTensor:
        return split_in_graph(captions)[:, : self.max_words]


class TokenReader(tf.Module):
    """Captions string [B] to ids int32 [B, N], all of one width: as models that know words read."""

    def __init__(self, tokenizer: Tokenizer):
        super().__init__(name="token_reader")
        self.tokenizer = tokenizer

    def __call__(self, captions: tf.Tensor) -> tf.Tensor:  # noqa: D102
        return self.tokenizer(captions, pad=True)
