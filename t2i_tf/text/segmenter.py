"""The vocabulary of prepared captions; words of scripts without spaces by ICU's dictionaries.

Only what is prepared needs the dictionaries: afterwards the vocabulary has the words, and
`longest_match` finds them again.
"""

import importlib.metadata
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from itertools import accumulate

from t2i_tf.text.scripts import WITHOUT_SPACES, units
from t2i_tf.text.tokenizer import split_pieces
from t2i_tf.text.vocabulary import Vocabulary

CHARACTERS = "characters"
_LOCALE = "en"  # the dictionaries are the same for all
_needs_dictionary = re.compile(WITHOUT_SPACES).search


@cache
def segmenter_name() -> str:
    """What finds the words here: "icu4py" with its version, or "characters" without it."""
    try:
        return f"icu4py {importlib.metadata.version('icu4py')}"
    except importlib.metadata.PackageNotFoundError:
        return CHARACTERS


def vocabulary_of(counts: Mapping[str, int], min_count: int = 1) -> Vocabulary:
    """The vocabulary of captions.

    Words of ASCII alone are the same folded and lower-cased, so that their vocabulary has no
    header and earlier versions read it.

    Args:
        counts: occurrences of each word, as `split_words` finds them without a vocabulary: in a
            script without spaces, a whole sentence is a word.
        min_count: rarer words are left out.
    """
    if all(map(str.isascii, counts)):
        return Vocabulary.from_counts(counts, min_count)
    name = segmenter_name() if any(map(_needs_dictionary, counts)) else ""
    found = Counter()
    for text, count in counts.items():
        for piece in split_pieces(text):
            for word in _segmented(piece, name):
                found[word] += count
    return Vocabulary.from_counts(found, min_count, folded=True, segmenter=name)


def _segmented(piece: str, name: str) -> list[str]:
    """The words of a piece; each letter is one where there is no ICU, and each emoji."""
    letters = units(piece)
    if not _needs_dictionary(piece) or name == CHARACTERS:
        return letters
    # Optional, of requirements-segmentation.txt.
    from icu4py.breakers import WordBreaker  # pyright: ignore[reportMissingImports]

    cuts = set(accumulate(map(len, WordBreaker(piece, _LOCALE))))
    words, word, end = [], "", 0
    for letter in letters:  # a letter is never parted from its signs
        word, end = word + letter, end + len(letter)
        if end in cuts:
            words.append(word)
            word = ""
    return [*words, word] if word else words
