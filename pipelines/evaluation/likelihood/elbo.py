"""Lower bounds on the log-likelihood of images given their captions, nats."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from pipelines.data.prepared.split_reader import CaptionedImages
from pipelines.evaluation.estimate import Estimate, bootstrap_estimate
from pipelines.evaluation.likelihood.scorer import Scorer, Terms
from pipelines.evaluation.results import Bounds

IMPORTANCE_SAMPLES = 50  # K


class _ScoredSplit(NamedTuple):
    """The images of a split with their bounds, and what the bounds were computed from."""

    split: CaptionedImages
    captions: np.ndarray  # as the model reads them, [n, ...]
    seeds: np.ndarray  # of the noise, int [n]
    terms: Terms


def measure_bounds(
    scorer: Scorer,
    splits: Mapping[str, CaptionedImages],
    *,
    weighed: int = 200,
    seed: int = 0,
) -> Bounds:
    """The mean bounds of every split, and further metrics of `test`.

    Each image has one sample of the posterior; the likelihood is Bernoulli on real-valued pixels.

    Args:
        scorer: Scorer of the system.
        splits: Images of `test`, and of `train` and `val` where the data have them.
        weighed: Images of the importance-weighted bound, the first of `test`.
        seed: Seed of the first image's noise.
    """
    scored = {name: _score(scorer, name, split, seed) for name, split in splits.items()}
    test = scored["test"]
    log_weights = _log_weights(scorer, test, weighed, seed)
    weighted = importance_weighted(log_weights)
    return Bounds(
        **{name: bootstrap_estimate(one.terms["bound"]) for name, one in scored.items()},
        test_sharpened=_sharpened_bound(scorer, test),
        test_minus_floor=bootstrap_estimate(test.terms["bound_plus_entropy"]),
        importance_weighted=bootstrap_estimate(weighted),
        importance_gain=bootstrap_estimate(weighted - log_weights.mean(1)),
        kl_per_step=[bootstrap_estimate(kl) for kl in test.terms["kl_per_step"].T],
        own=_own_bounds(scorer, scored),
    )


def importance_weighted(log_weights: np.ndarray) -> np.ndarray:
    """The importance-weighted bound (Burda et al. 2016): the log of the mean of K weights.

    With K = 1 it is an ordinary bound from one sample; its expectation rises with K to
    log p(x | y).

    Args:
        log_weights: [n, K], nats.

    Returns:
        [n], nats.
    """
    return np.logaddexp.reduce(log_weights, axis=1) - np.log(log_weights.shape[1])


def _score(scorer: Scorer, name: str, split: CaptionedImages, seed: int) -> _ScoredSplit:
    captions = scorer.read(split.captions)
    seeds = seed + np.arange(len(split.images))
    terms = scorer.terms(split.images, captions, seeds, f"Bounds of {name}")
    return _ScoredSplit(split, captions, seeds, terms)


def _log_weights(scorer: Scorer, test: _ScoredSplit, images: int, seed: int) -> np.ndarray:
    """Log weights of the first images, [n, K], nats."""
    return scorer.log_weights(
        test.split.images[:images],
        test.captions[:images],
        IMPORTANCE_SAMPLES,
        seed,
        "Importance-weighted bounds",
    )


def _sharpened_bound(scorer: Scorer, test: _ScoredSplit) -> Estimate | None:
    """The bound with the same KL and the likelihood of the sharpened reconstruction.

    None without a sharpener.
    """
    if scorer.sharpener is None:
        return None
    nll = scorer.sharpened_nll(
        test.split.images,
        test.captions,
        test.split.captions,
        test.seeds,
        "Bounds after sharpening",
    )
    return bootstrap_estimate(-(nll + test.terms["kl_per_step"].sum(1)))


def _own_bounds(scorer: Scorer, scored: Mapping[str, _ScoredSplit]) -> dict[str, Estimate] | None:
    """Bounds by the likelihood the system was trained with; None where that is Bernoulli's."""
    if not hasattr(scorer.model, "bernoulli_bound"):
        return None
    return {name: bootstrap_estimate(one.terms["own_bound"]) for name, one in scored.items()}
