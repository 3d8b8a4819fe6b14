"""Image retrieval by caption, the paper's protocol (section 4.3; recalled).

A caption ranks the pictures that look most like its own, itself among them, by

    L(x | y) - L(x | y_mean)

nats, where the second term takes away the advantage of pictures that are easy whatever the caption.
All bounds of a round come from the same noise: what differs between two of them is the picture and
the caption, not the luck of a sample. Where S samples are taken a bound is the mean of S rounds.
The bound is the system's own, by the likelihood that it was trained with: Bernoulli for DRAW, a
Gaussian for the VAEs, which is far stricter with every pixel. So candidates are ranked by

    L_B(x | y) - floor(x)

too, which asks the same of all: the Bernoulli bound, less the best that any model can have on x.

Captions of compositions that training had are found by whoever has learnt them by heart. So the
captions of held-out ones are searched too, among pictures of both kinds (our choice).

The intervals are over captions, given the noise of the seed and the pictures that there are.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pipelines.evaluation.estimate import estimate
from pipelines.evaluation.likelihood.scorer import Scorer
from pipelines.evaluation.retrieval.hard_candidates import RIGHT
from t2i_tf.metrics.recall import median_rank, ranks, recall_at_k

RECALLS = (1, 5, 10, 50)


class Scores(NamedTuple):
    """Bounds of candidates, nats, float32 [captions, candidates]."""

    given_caption: np.ndarray  # L(x | y)
    given_mean: np.ndarray  # L(x | y_mean)
    minus_floor: np.ndarray  # L_B(x | y) - floor(x)


def score_candidates(
    scorer: Scorer,
    images: np.ndarray,
    captions: np.ndarray,
    candidates: np.ndarray,
    mean: np.ndarray,
    *,
    samples: int = 1,
    seed: int = 0,
) -> Scores:
    """The bounds of every caption's candidates.

    Args:
        images: uint8 [pictures, H, W, C].
        captions: as the scorer reads them, [captions, ...].
        candidates: numbers of pictures, int [captions, K].
        mean: y_mean, [D].
        samples: S, rounds.
        seed: of the first round's noise.
    """
    pairs = np.stack(
        [candidates.ravel(), np.repeat(np.arange(len(candidates)), candidates.shape[1])], axis=1
    )
    seen, place = np.unique(candidates, return_inverse=True)
    alone = np.stack([seen, np.zeros_like(seen)], axis=1)
    conditional, marginal, minus_floor = 0.0, 0.0, 0.0
    for k in range(samples):
        noise = scorer.model.noise([seed + k])[:, 0].numpy()
        what = f"Retrieval, sample {k + 1} of {samples}"
        told = scorer.pair_bounds(images, captions, pairs, noise, what)
        untold = scorer.pair_bounds(
            images, mean[None], alone, noise, "Bounds given the mean caption"
        )
        conditional = conditional + told["own_bound"]
        minus_floor = minus_floor + told["minus_floor"]
        marginal = marginal + untold["own_bound"]
    return Scores(
        (conditional / samples).reshape(candidates.shape),
        (marginal / samples)[place].reshape(candidates.shape),
        (minus_floor / samples).reshape(candidates.shape),
    )


def retrieval_figures(scores: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """Recalls, percent, and the median rank, from 1, of scores [captions, candidates].

    The right candidate is in the column `RIGHT`. Each figure has its interval over captions.
    `ranks`, from 0, are those of the captions, for systems to be compared caption by caption.
    """
    places = ranks(scores, np.full(len(scores), RIGHT), seed)
    recalls = {
        f"r_at_{k}": estimate(places, lambda rows, k=k: recall_at_k(rows, k)) for k in RECALLS
    }
    return recalls | {"median_rank": estimate(places, median_rank), "ranks": places.tolist()}


def ceiling_figures(shown: Sequence[Any], candidates: np.ndarray) -> dict[str, Any]:
    """The figures of a search that sees perfectly, and knows no more than captions tell.

    Pictures that show the same have captions that fit each other, so that the right one among them
    is found by luck. No system can do better but by luck; these are the figures of luck itself, in
    expectation, as long as there are more candidates than pictures that show the same: past that
    the candidates are the nearest of them, with the right one in their midst.

    Args:
        shown: what each picture shows, [pictures].
        candidates: numbers of pictures, int [captions, K].
    """
    alike = np.array([sum(shown[k] == shown[row[RIGHT]] for k in row) for row in candidates])
    recalls = {f"r_at_{k}": estimate(alike, lambda rows, k=k: _luck(rows, k)) for k in RECALLS}
    return recalls | {"median_rank": estimate(alike, _median_of_luck)}


def _luck(alike: np.ndarray, k: int) -> float:
    """How often, percent, one of n equals is among the first k, in the mean over n [captions]."""
    return 100.0 * float(np.minimum(k / alike, 1.0).mean())


def _median_of_luck(alike: np.ndarray) -> int:
    """The rank, from 1, up to which half of the captions find theirs."""
    return next(k for k in itertools.count(1) if _luck(alike, k) >= 50.0)


def measure_retrieval(
    scorer: Scorer,
    images: np.ndarray,
    captions: np.ndarray,
    candidates: np.ndarray,
    mean: np.ndarray,
    *,
    few: int = 0,
    seed: int = 0,
) -> dict[str, Any]:
    """All figures of retrieval; arguments as of `score_candidates`.

    Args:
        few: captions that are ranked by ten samples too, which cost ten times as much.

    Returns:
        The figures of the paper's protocol with one sample; as `bound_alone` those by L(x | y)
        alone, as `minus_floor` those by L_B(x | y) - floor(x). The first two again by ten samples,
        `s10` and `s10_bound_alone`, for the first `few` captions, and by one sample for the same
        captions, `s1_of_s10`.
    """
    one = score_candidates(scorer, images, captions, candidates, mean, seed=seed)
    gain = one.given_caption - one.given_mean
    found = retrieval_figures(gain) | {
        "bound_alone": retrieval_figures(one.given_caption),
        "minus_floor": retrieval_figures(one.minus_floor),
        "candidates": candidates.shape[1],
        "captions": len(candidates),
        "captions_of_s10": len(candidates[:few]),
    }
    if not few:
        return found
    ten = score_candidates(
        scorer, images, captions[:few], candidates[:few], mean, samples=10, seed=seed
    )
    return found | {
        "s10": retrieval_figures(ten.given_caption - ten.given_mean),
        "s10_bound_alone": retrieval_figures(ten.given_caption),
        "s1_of_s10": retrieval_figures(gain[:few]),
    }
