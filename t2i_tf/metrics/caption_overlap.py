"""BLEU and CIDEr: agreement of generated captions with human references, over a set of pictures.

Captions are split into words by `split_words`. COCO's evaluation uses another tokenizer and drops
punctuation marks, so that its scores differ a little.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from t2i_tf.text.tokenizer import split_words
from t2i_tf.text.vocabulary import Vocabulary

LONGEST = 4  # words of the longest n-gram
SIGMA = 6.0  # words, tolerance of CIDEr-D for differences in length

Ngrams = Counter[tuple[str, ...]]


def bleu(
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    vocabulary: Vocabulary | None = None,
) -> float:
    """BLEU-4 of a corpus (Papineni et al. 2002), from 0 to 1, without smoothing.

        BLEU = min(1, e^(1 - r / c)) (p_1 p_2 p_3 p_4)^(1/4)

    p_n is the share of the candidates' n-grams that also occur in a reference, each counted at most
    as often as in the reference where it is most frequent; c is the total length of the candidates,
    r that of the references closest in length (the shorter one in a tie).

    Args:
        candidates: one caption for each picture.
        references: one or more captions for each picture.
        vocabulary: how captions are split into words, as `split_words` says.

    Raises:
        ValueError: there are no pictures, or one has no references.
    """
    _check(candidates, references)
    matched, total = [0] * LONGEST, [0] * LONGEST
    length = nearest_length = 0
    for candidate, others in zip(candidates, references, strict=True):
        words = split_words(candidate, vocabulary)
        other_words = [split_words(other, vocabulary) for other in others]
        length += len(words)
        nearest_length += _nearest(len(words), map(len, other_words))
        for k in range(LONGEST):
            ngrams, limits = _ngrams(words, k + 1), Counter()
            for other in other_words:
                limits |= _ngrams(other, k + 1)  # the larger count of each
            matched[k] += (ngrams & limits).total()
            total[k] += ngrams.total()
    if not all(matched):
        return 0.0
    precision = math.prod(hits / count for hits, count in zip(matched, total, strict=True))
    return min(1.0, math.exp(1 - nearest_length / length)) * precision ** (1 / LONGEST)


def cider(
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    vocabulary: Vocabulary | None = None,
) -> float:
    """CIDEr-D (Vedantam et al. 2015), the variant that COCO reports: from 0 to 10.

        10 * mean over n of  min(g, r) . r / (|g| |r|) * e^(-(l_g - l_r)^2 / (2 sigma^2))

    g and r are the n-gram weights of candidate and reference: the count times log(pictures /
    pictures with the n-gram in a reference); l is the length in words. The score is the mean over
    the references of a picture, then over the pictures. Words are not stemmed.

    An n-gram that occurs for every picture has weight 0. The score therefore depends on the set of
    pictures; for a single picture it is 0.

    Args:
        candidates: one caption for each picture.
        references: one or more captions for each picture.
        vocabulary: how captions are split into words, as `split_words` says.

    Raises:
        ValueError: there are no pictures, or one has no references.
    """
    _check(candidates, references)
    split = [[split_words(caption, vocabulary) for caption in captions] for captions in references]
    rarity, unseen = _rarity(split), math.log(len(split))
    total = 0.0
    for candidate, captions in zip(candidates, split, strict=True):
        words = split_words(candidate, vocabulary)
        similarities = [_similarity(words, other, rarity, unseen) for other in captions]
        total += sum(similarities) / len(similarities)
    return 10 * total / len(split)


def _rarity(references: Sequence[Sequence[Sequence[str]]]) -> dict[tuple[str, ...], float]:
    """log(pictures / pictures with the n-gram), from the words of each picture's references."""
    frequency = Counter(
        ngram
        for captions in references
        for ngram in {
            g for words in captions for k in range(LONGEST) for g in _ngrams(words, k + 1)
        }
    )
    return {ngram: math.log(len(references) / count) for ngram, count in frequency.items()}


def _similarity(
    words: Sequence[str], other: Sequence[str], rarity: Mapping, unseen: float
) -> float:
    """Similarity of a candidate to a reference, 0 to 1, the mean over the lengths of n-grams."""
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
    """The n-grams of the words, with their counts."""
    return Counter(zip(*(words[k:] for k in range(n)), strict=False))


def _check(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    if not candidates or len(candidates) != len(references) or not all(references):
        raise ValueError(
            f"Expected a caption and references for every picture, got {len(candidates)} captions "
            f"and {len(references)} lists of references, {sum(not r for r in references)} empty."
        )
