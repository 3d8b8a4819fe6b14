"""BLEU and CIDEr: how near written captions are to people's, over a whole set of pictures.

Captions are compared by the words that `split_words` finds. COCO's own evaluation splits them with
a program of its own and drops punctuation marks, so that its figures differ a little.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from t2i_tf.text.tokenizer import split_words

LONGEST = 4  # words of the longest n-gram
SIGMA = 6.0  # words: how far CIDEr-D forgives a difference in length

Ngrams = Counter[tuple[str, ...]]


def bleu(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """BLEU-4 of a corpus (Papineni et al. 2002), from 0 to 1, without smoothing.

        BLEU = min(1, e^(1 - r / c)) (p_1 p_2 p_3 p_4)^(1/4)

    p_n is the share of the candidates' n-grams that stand in a reference too, each counted at most
    as often as in the reference that has most of it; c is the length of all candidates, r that of
    the references nearest in length, the shorter of two as near.

    Args:
        candidates: one for each picture.
        references: one or more for each picture.

    Raises:
        ValueError: no picture, or one without references.
    """
    _check(candidates, references)
    matched, total = [0] * LONGEST, [0] * LONGEST
    length = nearest_length = 0
    for candidate, others in zip(candidates, references, strict=True):
        words, other_words = split_words(candidate), list(map(split_words, others))
        length += len(words)
        nearest_length += _nearest(len(words), map(len, other_words))
        for k in range(LONGEST):
            found, known = _ngrams(words, k + 1), Counter()
            for other in other_words:
                known |= _ngrams(other, k + 1)  # the larger count of each
            matched[k] += (found & known).total()
            total[k] += found.total()
    if not all(matched):
        return 0.0
    precision = math.prod(hits / count for hits, count in zip(matched, total, strict=True))
    return min(1.0, math.exp(1 - nearest_length / length)) * precision ** (1 / LONGEST)


def cider(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """CIDEr-D (Vedantam et al. 2015), the one that COCO reports: 0 to 10.

        10 * mean over n of  min(g, r) . r / (|g| |r|) * e^(-(l_g - l_r)^2 / (2 sigma^2))

    g and r hold a weight for each n-gram of candidate and reference, its count times log(pictures /
    pictures of which a reference has it); l is the length in words. The figure is the mean over the
    references of a picture, then over the pictures. Words are not stemmed.

    An n-gram that every picture has weighs nothing: the figure depends on the set of pictures, and
    of a single one it is 0.

    Args:
        candidates: one for each picture.
        references: one or more for each picture.

    Raises:
        ValueError: no picture, or one without references.
    """
    _check(candidates, references)
    known = [[split_words(caption) for caption in captions] for captions in references]
    frequency = Counter(
        ngram
        for captions in known
        for ngram in {
            g for words in captions for k in range(LONGEST) for g in _ngrams(words, k + 1)
        }
    )
    rarity = {ngram: math.log(len(known) / count) for ngram, count in frequency.items()}
    unseen = math.log(len(known))
    total = 0.0
    for candidate, captions in zip(candidates, known, strict=True):
        words = split_words(candidate)
        likeness = [_likeness(words, other, rarity, unseen) for other in captions]
        total += sum(likeness) / len(likeness)
    return 10 * total / len(known)


def _likeness(words: Sequence[str], other: Sequence[str], rarity: Mapping, unseen: float) -> float:
    """Of a candidate's words to a reference's, 0 to 1: the mean over the lengths of n-grams."""
    cosines = []
    for k in range(LONGEST):
        g, r = (
            {ngram: count * rarity.get(ngram, unseen) for ngram, count in _ngrams(w, k + 1).items()}
            for w in (words, other)
        )
        product = sum(min(weight, r[ngram]) * r[ngram] for ngram, weight in g.items() if ngram in r)
        norms = _norm(g) * _norm(r)
        cosines.append(product / norms if norms else 0.0)
    difference = len(words) - len(other)
    return sum(cosines) / LONGEST * math.exp(-(difference**2) / (2 * SIGMA**2))


def _norm(weights: Mapping[tuple[str, ...], float]) -> float:
    return math.hypot(*weights.values())


def _nearest(length: int, lengths: Iterable[int]) -> int:
    return min(lengths, key=lambda other: (abs(other - length), other))


def _ngrams(words: Sequence[str], n: int) -> Ngrams:
    """How often each n-gram stands in the words."""
    return Counter(zip(*(words[k:] for k in range(n)), strict=False))


def _check(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    if not candidates or len(candidates) != len(references) or not all(references):
        raise ValueError(
            f"Expected a caption and references of every picture, got {len(candidates)} captions "
            f"and {len(references)} lists of references, {sum(not r for r in references)} empty."
        )
