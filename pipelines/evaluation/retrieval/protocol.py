"""Image retrieval by caption, the paper's protocol (section 4.3; recalled).

A caption ranks the images that look most like its own, its own among them, by

    L(x | y) - L(x | y_mean)

in nats, where the second term removes the advantage of images that score high with any caption. All
bounds of a round use the same noise, so that two of them differ by image and caption alone; with S
samples a bound is the mean of S rounds. The bound is the system's own, with the likelihood that it
was trained with: Bernoulli for DRAW; a Gaussian for the VAEs, or a discrete one, both of which
penalise each pixel far more. A second ranking therefore measures every system alike (our choice):

    L_B(x | y) + H(x)

the Bernoulli bound plus the Bernoulli entropy of the pixels, that is, the bound less the best that
any model can reach on x.

Where a model has learnt an empty caption, by caption dropout in training, that stands in for y_mean
in another ranking (our choice):

    L(x | y) - L(x | empty)

A model may have memorised the captions of compositions in its training set. So the captions of
held-out compositions search as well, among images of both kinds (our choice).

All captions of an image search for it (our choice: the paper does not say which). The intervals are
over images, each with its captions, given the seed of the noise and the images of the split.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from pipelines.evaluation.estimate import bootstrap_estimate, present, rows_by_picture
from pipelines.evaluation.likelihood.scorer import Scorer
from pipelines.evaluation.results import RECALLS, Ranking, RecallMetrics, Retrieval, Search
from pipelines.evaluation.retrieval.hard_candidates import TARGET
from t2i_tf.metrics.recall import median_rank, ranks, recall_at_k

SAMPLES = 10  # S, rounds of the more exact bounds


class Scores(NamedTuple):
    """Bounds of candidates, nats, float32 [captions, candidates]."""

    given_caption: np.ndarray  # L(x | y)
    given_mean: np.ndarray  # L(x | y_mean)
    plus_entropy: np.ndarray  # L_B(x | y) + H(x)
    given_empty: np.ndarray | None = None  # L(x | empty), where there is an empty caption

    @property
    def gain(self) -> np.ndarray:
        """The paper's score, L(x | y) - L(x | y_mean)."""
        return self.given_caption - self.given_mean

    @property
    def gain_over_empty(self) -> np.ndarray | None:
        """L(x | y) - L(x | empty); None without an empty caption."""
        return None if self.given_empty is None else self.given_caption - self.given_empty


def score_candidates(
    scorer: Scorer,
    images: np.ndarray,
    captions: np.ndarray,
    candidates: np.ndarray,
    mean: np.ndarray,
    *,
    empty: np.ndarray | None = None,
    samples: int = 1,
    seed: int = 0,
) -> Scores:
    """The bounds of every caption's candidates.

    Args:
        scorer: Scorer of the system.
        images: uint8 [images, H, W, C].
        captions: Captions as the scorer reads them, [captions, ...].
        candidates: Indices of images, int [captions, K].
        mean: y_mean, [D].
        empty: The empty caption as the scorer reads captions, [1, ...]; None without one.
        samples: S, rounds.
        seed: Seed of the first round's noise.
    """
    pairs = np.stack(
        [candidates.ravel(), np.repeat(np.arange(len(candidates)), candidates.shape[1])], axis=1
    )
    unique, index = np.unique(candidates, return_inverse=True)
    unique_pairs = np.stack([unique, np.zeros_like(unique)], axis=1)
    conditional, marginal, plus_entropy, unconditional = 0.0, 0.0, 0.0, 0.0
    for k in range(samples):
        noise = scorer.model.noise([seed + k])[:, 0].numpy()
        description = f"Retrieval, sample {k + 1} of {samples}"
        given_caption = scorer.pair_bounds(images, captions, pairs, noise, description)
        given_mean = scorer.pair_bounds(
            images, mean[None], unique_pairs, noise, "Bounds given the mean caption"
        )
        if empty is not None:
            given_empty = scorer.pair_bounds(
                images, empty, unique_pairs, noise, "Bounds given the empty caption"
            )
            unconditional = unconditional + given_empty["own_bound"]
        conditional = conditional + given_caption["own_bound"]
        plus_entropy = plus_entropy + given_caption["bound_plus_entropy"]
        marginal = marginal + given_mean["own_bound"]
    return Scores(
        (conditional / samples).reshape(candidates.shape),
        (marginal / samples)[index].reshape(candidates.shape),
        (plus_entropy / samples).reshape(candidates.shape),
        None if empty is None else (unconditional / samples)[index].reshape(candidates.shape),
    )


def measure_search(
    scorer: Scorer,
    images: np.ndarray,
    captions: np.ndarray,
    candidates: np.ndarray,
    mean: np.ndarray,
    *,
    empty: np.ndarray | None = None,
    searched: np.ndarray | None = None,
    labels: Sequence[Any] | None = None,
    seed: int = 0,
) -> Search:
    """Metrics of the paper's ranking and of the others, from bounds of one sample.

    Args:
        searched: Index of the image that each caption searches for, int [captions]; None where
            every caption has an image of its own.
        labels: What each image shows, [images], for the oracle upper bound; None where unknown.

    The other arguments are those of `score_candidates`.
    """
    scores = score_candidates(scorer, images, captions, candidates, mean, empty=empty, seed=seed)
    return Search(**_search_fields(scores, candidates, searched, labels), captions_of_s10=0)


def measure_retrieval(
    scorer: Scorer,
    images: np.ndarray,
    captions: np.ndarray,
    candidates: np.ndarray,
    mean: np.ndarray,
    *,
    s10_captions: int,
    empty: np.ndarray | None = None,
    searched: np.ndarray | None = None,
    labels: Sequence[Any] | None = None,
    seed: int = 0,
) -> Retrieval:
    """The metrics of `measure_search`, and for the first captions those of bounds of ten samples.

    Args:
        s10_captions: Captions with ten samples a bound, which cost ten times as much; each searches
            for an image of its own.

    The other arguments are those of `measure_search`.
    """
    first = slice(s10_captions)
    one = score_candidates(scorer, images, captions, candidates, mean, empty=empty, seed=seed)
    ten = score_candidates(
        scorer, images, captions[first], candidates[first], mean, samples=SAMPLES, seed=seed
    )
    return Retrieval(
        **_search_fields(one, candidates, searched, labels),
        captions_of_s10=len(candidates[first]),
        s10=ranking_metrics(ten.gain),
        s10_bound_alone=ranking_metrics(ten.given_caption),
        s1_of_s10=ranking_metrics(one.gain[first]),
    )


def ranking_metrics(
    scores: np.ndarray, searched: np.ndarray | None = None, seed: int = 0
) -> Ranking:
    """Recalls and the median rank, with intervals over images, and the rank of each caption.

    Args:
        scores: [captions, candidates], higher is better; the target is in the column `TARGET`.
        searched: As in `measure_search`.
        seed: Seed of the order among equal scores.
    """
    found = ranks(scores, np.full(len(scores), TARGET), seed)
    rows = rows_by_picture(found, searched)
    return Ranking(
        **{
            f"r_at_{k}": bootstrap_estimate(rows, lambda rows, k=k: recall_at_k(present(rows), k))
            for k in RECALLS
        },
        median_rank=bootstrap_estimate(rows, lambda rows: median_rank(present(rows))),
        ranks=found.tolist(),
    )


def oracle_upper_bound(
    labels: Sequence[Any], candidates: np.ndarray, searched: np.ndarray | None = None
) -> RecallMetrics:
    """Expected metrics of an oracle that recognizes every image that fits the caption.

    Candidates with the target's label fit the caption equally well: the oracle ranks them first, in
    random order. No system has a higher expected recall. The expectation is exact while there are
    more candidates than images with the target's label; with fewer, the candidates are only the
    nearest of those images.

    Args:
        labels: What each image shows, [images].
        candidates: Indices of images, int [captions, K].
        searched: As in `measure_search`.
    """
    ties = np.array([sum(labels[k] == labels[row[TARGET]] for k in row) for row in candidates])
    rows = rows_by_picture(ties, searched)
    return RecallMetrics(
        **{
            f"r_at_{k}": bootstrap_estimate(
                rows, lambda rows, k=k: expected_recall_with_ties(present(rows), k)
            )
            for k in RECALLS
        },
        median_rank=bootstrap_estimate(rows, lambda rows: expected_median_rank(present(rows))),
    )


def expected_recall_with_ties(ties: np.ndarray, k: int) -> float:
    """Expected recall at k, percent, where n candidates tie for the first rank: 100 E[min(k/n, 1)].

    Args:
        ties: n, the target included, [captions].
        k: Rank up to which the target counts as found.
    """
    return 100.0 * float(np.minimum(k / ties, 1.0).mean())


def expected_median_rank(ties: np.ndarray) -> int:
    """The least rank, from 1, up to which half of the targets are expected."""
    return next(k for k in itertools.count(1) if expected_recall_with_ties(ties, k) >= 50.0)


def _search_fields(
    scores: Scores,
    candidates: np.ndarray,
    searched: np.ndarray | None,
    labels: Sequence[Any] | None,
) -> dict[str, Any]:
    """The fields of `Search` that are computed from bounds of one sample."""
    over_empty = scores.gain_over_empty
    return {
        **msgspec.structs.asdict(ranking_metrics(scores.gain, searched)),
        "bound_alone": ranking_metrics(scores.given_caption, searched),
        "minus_floor": ranking_metrics(scores.plus_entropy, searched),
        "empty_caption": None if over_empty is None else ranking_metrics(over_empty, searched),
        "candidates": candidates.shape[1],
        "captions": len(candidates),
        "pictures": len(candidates) if searched is None else len(np.unique(searched)),
        "searched": None if searched is None else searched.tolist(),
        "ceiling": None if labels is None else oracle_upper_bound(labels, candidates, searched),
    }
