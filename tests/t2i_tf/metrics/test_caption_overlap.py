import math

import numpy as np
import pytest

from t2i_tf.metrics.caption_overlap import bleu, cider
from t2i_tf.text.tokenizer import split_words

sacrebleu = pytest.importorskip("sacrebleu")


def captions(random, count):
    """Captions of 1 to 12 words out of three, so that long n-grams recur."""
    words = np.array(["A", "dog's", "."])
    return [" ".join(random.choice(words, random.integers(1, 13))) for _ in range(count)]


@pytest.mark.parametrize("seed", range(20))
def test_bleu_agrees_with_sacrebleu(seed):
    random = np.random.default_rng(seed)
    pictures = int(random.integers(5, 30))
    candidates = captions(random, pictures)
    references = [captions(random, random.integers(1, 6)) for _ in range(pictures)]
    expected = reference_bleu(candidates, references)
    assert 0 < expected < 1
    assert bleu(candidates, references) == pytest.approx(expected, rel=1e-12)


def reference_bleu(candidates, references):
    """sacrebleu's, without smoothing, on words split as ours are."""
    candidates = [" ".join(split_words(caption)) for caption in candidates]
    split = [[" ".join(split_words(caption)) for caption in others] for others in references]
    streams = [[others[k] if k < len(others) else None for others in split] for k in range(5)]
    streams = [stream for stream in streams if any(stream)]
    metric = sacrebleu.BLEU(tokenize="none", smooth_method="none", force=True)
    return metric.corpus_score(candidates, streams).score / 100


def test_bleu_by_hand():
    """Matched 4 of 5 words, 3 of 4 pairs, 2 of 3 triples, 1 of 2 quadruples; no length penalty."""
    assert bleu(["a b c d e"], [["a b c d f"]]) == pytest.approx(
        (4 / 5 * 3 / 4 * 2 / 3 / 2) ** 0.25
    )


def test_bleu_pools_the_counts_of_all_pictures():
    """9 of 10, 7 of 8, 5 of 6, 3 of 4, which differs from the mean over the pictures."""
    together = bleu(["a b c d e", "p q r s t"], [["a b c d f"], ["p q r s t"]])
    assert together == pytest.approx((9 / 10 * 7 / 8 * 5 / 6 * 3 / 4) ** 0.25)


def test_bleu_makes_short_captions_pay_by_the_reference_nearest_in_length():
    assert bleu(["a b c d"], [["a b c d e f"]]) == pytest.approx(math.exp(1 - 6 / 4))
    assert bleu(["a b c d"], [["a b c d e f", "a b c d e"]]) == pytest.approx(math.exp(1 - 5 / 4))
    assert bleu(["a b c d e"], [["a b c d e f", "x x x x"]]) == 1  # of two as near, the shorter


def test_bleu_counts_a_word_no_more_often_than_a_reference_has_it():
    """a a a a b: 3 of 5 words, 2 of 4 pairs, 1 of 3 triples, none of 2 quadruples."""
    assert bleu(["a a a a b"], [["a a a c"]]) == 0
    expected = (4 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25
    assert bleu(["a a a b a b"], [["a a a b", "a b c d e f"]]) == pytest.approx(expected)


def test_cider_by_hand():
    """Words a: of both pictures, weight 0; b, c and all pairs ln 2; no triples: (1 + 1) / 4."""
    assert cider(["a b", "a b"], [["a b"], ["a c"]]) == pytest.approx(10 * (0.5 + 0) / 2)


def test_cider_d_clips_counts_and_minds_the_length():
    """b twice against once: 1/2; pairs "a b" and the unseen "b b": 1/sqrt 2; one word longer."""
    first = (1 / 2 + 1 / math.sqrt(2)) / 4 * math.exp(-1 / 72)
    assert cider(["a b b", "x"], [["a b"], ["a c"]]) == pytest.approx(10 * first / 2)


def test_cider_is_the_mean_over_references():
    """Against "a b" 1/2 as above, against "a d" nothing."""
    assert cider(["a b", "x"], [["a b", "a d"], ["a c"]]) == pytest.approx(10 * 0.25 / 2)


def test_perfect_captions_score_the_most():
    captions = ["a red bus is parked here", "two dogs sit on the old table", "one big tree !"]
    references = [[caption] for caption in captions]
    assert bleu(captions, references) == pytest.approx(1)
    assert cider(captions, references) == pytest.approx(10)
    assert cider([*captions[1:], captions[0]], references) == 0


def test_words_are_those_of_the_tokenizer():
    assert bleu(["A dog's red ball."], [["a dog's red ball ."]]) == 1


def test_captions_without_a_common_word_score_nothing():
    assert bleu([""], [["a b c d"]]) == 0 == bleu(["x y z w"], [["a b c d"]])
    assert cider(["", "x"], [["a b"], ["c d"]]) == 0


@pytest.mark.parametrize("metric", [bleu, cider])
@pytest.mark.parametrize("captions, references", [([], []), (["a"], []), (["a"], [[]])])
def test_missing_references_are_refused(metric, captions, references):
    with pytest.raises(ValueError, match="Expected a caption and references"):
        metric(captions, references)
