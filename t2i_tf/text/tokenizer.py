"""Captions to words and token ids, with the same result in Python and in the graph.

Words are lower-case. An apostrophe between letters belongs to its word; any other punctuation mark
is a word by itself; everything else but white space is a letter: accents, digits and every script.
A vocabulary with `folded` asks for more: one spelling for letters that differ in case or accents
(`folding.py`), and words in scripts without spaces (`longest_match.py`). The graph has core
TensorFlow ops only, so that a SavedModel that contains it loads anywhere.
"""

import re
from typing import Protocol

import tensorflow as tf

from t2i_tf.errors import UserError
from t2i_tf.text.folding import folded, folded_in_graph
from t2i_tf.text.longest_match import longest_match, longest_match_in_graph
from t2i_tf.text.scripts import CURLED, FURTHER_SPACES, INVISIBLE, PIECE, SPACES, UNSEEN, WORD
from t2i_tf.text.vocabulary import PAD, UNKNOWN, Vocabulary

_find_words = re.compile(WORD).findall
_find_pieces = re.compile(f"({PIECE})").findall
_without_invisible = re.compile(INVISIBLE).sub
_without_unseen = re.compile(UNSEEN).sub


def split_words(text: str, vocabulary: Vocabulary | None = None) -> list[str]:
    """The words of a caption, as the models of a vocabulary read it.

    Without one, as those of a vocabulary that is not folded do.

    >>> split_words("A dog's  red ball, thrown.")
    ['a', "dog's", 'red', 'ball', ',', 'thrown', '.']
    """
    if vocabulary is None or not vocabulary.folded:
        return _find_words(_without_invisible("", text).lower().replace(CURLED, "'"))
    limit = vocabulary.longest_unspaced
    return [
        word for piece in split_pieces(text) for word in longest_match(piece, vocabulary, limit)
    ]


def split_pieces(text: str) -> list[str]:
    """The words of a folded caption, but each run of letters without spaces in one piece."""
    text = folded(_without_unseen("", text).replace(CURLED, "'"))
    return [piece for piece in _find_pieces(text) if piece]


def check_caption(caption: str, max_words: int, vocabulary: Vocabulary | None = None) -> None:
    """Check that a model of at most `max_words` words of a vocabulary can draw a caption.

    Raises:
        UserError: the caption has no words, or too many.
    """
    count = len(split_words(caption, vocabulary))
    if not count:
        raise UserError(f"Expected a caption with words, got {caption!r}.")
    if count > max_words:
        raise UserError(
            f"The caption {_beginning(caption)!r} has {count} words, punctuation marks included;"
            f" this model reads at most {max_words}. Shorten the caption."
        )


def _beginning(caption: str, characters: int = 60) -> str:
    return caption if len(caption) <= characters else f"{caption[:characters]}..."


def split_in_graph(captions: tf.Tensor) -> tf.RaggedTensor:
    """The words of captions string [B], as `split_words` finds them: string [B, (N)].

    Bytes that are not UTF-8 become U+FFFD.
    """
    text = tf.strings.regex_replace(captions, INVISIBLE, "")
    text = tf.strings.lower(text, encoding="utf-8")
    text = tf.strings.regex_replace(text, CURLED, "'")
    text = tf.strings.regex_replace(text, SPACES, " ")
    return tf.strings.split(tf.strings.regex_replace(text, WORD, r"\0 "))


def split_pieces_in_graph(captions: tf.Tensor) -> tf.RaggedTensor:
    """The pieces of captions string [B], as `split_pieces` finds them: string [B, (N)]."""
    text = tf.strings.regex_replace(captions, UNSEEN, "")
    text = folded_in_graph(tf.strings.regex_replace(text, CURLED, "'"))
    text = tf.strings.regex_replace(text, FURTHER_SPACES, " ")
    return tf.strings.split(tf.strings.regex_replace(text, PIECE, r"\0 "))


class Tokenizer(tf.Module):
    """Captions to the ids of a vocabulary.

    The lookup table is created from memory, so that an exported graph needs no file. An exported
    module must have the tokenizer as an attribute, or TensorFlow cannot find the table.

    Args:
        vocabulary: words and their ids.
        max_words: longer captions are cut to this many words.
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
            pad: whether N is `max_words` instead of the length of the longest caption.

        Returns:
            int32 [B, N], padded with 0.
        """
        words = self._split(captions)
        ids = words.with_flat_values(self.table.lookup(words.flat_values))
        return ids.to_tensor(PAD, shape=[None, self.max_words if pad else None])

    def words(self, captions: tf.Tensor, pad: bool = False) -> tf.Tensor:
        """The words that belong to the ids, string [B, N], padded with ""."""
        return self._split(captions).to_tensor("", shape=[None, self.max_words if pad else None])

    def sentences(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Ids int32 [B, N] to captions, words separated by spaces, string [B]."""
        entries = tf.constant(["", *self.vocabulary.entries[PAD + 1 :]])
        return tf.strings.strip(
            tf.strings.reduce_join(tf.gather(entries, token_ids), -1, separator=" ")
        )

    def lengths(self, captions: tf.Tensor) -> tf.Tensor:
        """Number of words of each caption, not cut at `max_words`: int64 [B]."""
        return self._split_whole(captions).row_lengths()

    def unknown_words(self, caption: str) -> list[str]:
        """The words of a caption that the vocabulary lacks, each once, in their order."""
        words = dict.fromkeys(split_words(caption, self.vocabulary))
        return [word for word in words if word not in self.vocabulary]

    def _split(self, captions: tf.Tensor) -> tf.RaggedTensor:
        return self._split_whole(captions)[:, : self.max_words]

    def _split_whole(self, captions: tf.Tensor) -> tf.RaggedTensor:
        if not self.vocabulary.folded:
            return split_in_graph(captions)
        return longest_match_in_graph(
            split_pieces_in_graph(captions), self.table, self.vocabulary.longest_unspaced
        )


class Reader(Protocol):
    """What reads captions for a model."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The words that it knows; a sentence encoder's are not those of the model's data."""
        ...

    def __call__(self, captions: tf.Tensor) -> tf.Tensor:
        """Captions string [B] to the input of the model."""
        ...


class TokenReader(tf.Module):
    """Captions string [B] to ids int32 [B, max_words], the input of models that read words."""

    def __init__(self, tokenizer: Tokenizer):
        super().__init__(name="token_reader")
        self.vocabulary = tokenizer.vocabulary
        self.tokenizer = tokenizer

    def __call__(self, captions: tf.Tensor) -> tf.Tensor:  # noqa: D102
        return self.tokenizer(captions, pad=True)
