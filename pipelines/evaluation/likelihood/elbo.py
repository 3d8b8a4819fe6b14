"""Lower bounds on the log-likelihood of images given their captions, nats."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from msgspec import UNSET, UnsetType

from pipelines.data.prepared.split_reader import CaptionedImages
from pipelines.evaluation.estimate import Estimate, bootstrap_estimate
from pipelines.evaluation.likelihood.scorer import Scorer, Terms
from pipelines.evaluation.results import BitsPerDim, Bounds
from t2i_tf.likelihoods.bernoulli import Bernoulli
from t2i_tf.losses import bits_per_dim

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
    What the system was trained with is measured too, where that is another one.

    Args:
        scorer: Scorer of the system.
        splits: Images of `test`, and of `train` and `val` where the data have them.
        weighed: Images of the importance-weighted bound, the first of `test`.
        seed: Seed of the first image's noise.
    """
    scored = {name: _score(scorer, name, split, seed) for name, split in splits.items()}
    test = scored["test"]
    log_weights = _log_weights(scorer, test, weighed, seed)
    weighted = importance_weighted(log_weights["bernoulli"])
    return Bounds(
        **{name: bootstrap_estimate(one.terms["bound"]) for name, one in scored.items()},
        test_sharpened=_sharpened_bound(scorer, test),
        test_minus_floor=bootstrap_estimate(test.terms["bound_plus_entropy"]),
        importance_weighted=bootstrap_estimate(weighted),
        importance_gain=bootstrap_estimate(weighted - log_weights["bernoulli"].mean(1)),
        kl_per_step=[bootstrap_estimate(kl) for kl in test.terms["kl_per_step"].T],
        own=_own_bounds(scorer, scored),
        bits_per_dim=_bits_per_dim(scorer, test, log_weights["own"]),
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


def _log_weights(scorer: Scorer, test: _ScoredSplit, images: int, seed: int) -> Terms:
    """Log weights of the first images, each [n, K], nats."""
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
    if isinstance(scorer.model.likelihood, Bernoulli):
        return None
    return {name: bootstrap_estimate(one.terms["own_bound"]) for name, one in scored.items()}


def _bits_per_dim(
    scorer: Scorer, test: _ScoredSplit, log_weights: np.ndarray
) -> BitsPerDim | UnsetType:
    """The bounds of `test` as lengths of a code; unset where the likelihood is not discrete."""
    if not scorer.model.likelihood.is_discrete:
        return UNSET
    shape, weighted = test.split.images.shape[1:], importance_weighted(log_weights)

    def bits(bounds: np.ndarray) -> Estimate:
        return bootstrap_estimate(bits_per_dim(-bounds, shape))

    return BitsPerDim(
        test=bits(test.terms["own_bound"]),
        importance_weighted=bits(weighted),
        importance_gain=bits(log_weights.mean(1) - weighted),
    )
