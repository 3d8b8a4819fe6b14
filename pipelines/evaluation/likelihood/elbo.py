"""Lower bounds of the log-likelihood of pictures given their captions, nats."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.data.prepared.split_reader import CaptionedImages
from pipelines.evaluation.estimate import estimate
from pipelines.evaluation.likelihood.scorer import Scorer

IMPORTANCE_SAMPLES = 50  # K


def measure_bounds(
    scorer: Scorer,
    splits: Mapping[str, CaptionedImages],
    *,
    weighed: int = 200,
    seed: int = 0,
) -> dict[str, Any]:
    """The bounds of every split, and more of `test`: means over pictures, with intervals.

    One sample of the posterior a picture, Bernoulli likelihood on real-valued pixels.

    Args:
        splits: `test`, and others.
        weighed: pictures of the importance-weighted bound.
        seed: of the noise.

    Returns:
        The splits by name; `test_minus_floor`, less the best that any model can have;
        `test_sharpened`, with the same KL and the likelihood of the sharpened reconstruction, None
        without a sharpener; `kl_per_step`, a figure of each step; `importance_weighted`, and
        `importance_gain`, by how much it exceeds the mean of as many ordinary ones on the same
        pictures; `own`, the splits by the system's own likelihood, None where that is Bernoulli's.
    """
    read = {name: scorer.read(told.captions) for name, told in splits.items()}
    seeds = {name: seed + np.arange(len(told.images)) for name, told in splits.items()}
    terms = {
        name: scorer.terms(told.images, read[name], seeds[name], f"Bounds of {name}")
        for name, told in splits.items()
    }
    test, few = splits["test"], splits["test"].first(weighed)
    log_weights = scorer.log_weights(
        few.images, read["test"][:weighed], IMPORTANCE_SAMPLES, seed, "Importance-weighted bounds"
    )
    weighted = importance_weighted(log_weights)
    own = {name: estimate(found["own_bound"]) for name, found in terms.items()}
    bernoulli = not hasattr(scorer.model, "bernoulli_bound")
    sharpened = None
    if scorer.sharpener:
        nll = scorer.sharpened_nll(
            test.images, read["test"], test.captions, seeds["test"], "Bounds after sharpening"
        )
        sharpened = estimate(-(nll + terms["test"]["kl_per_step"].sum(1)))
    return {name: estimate(found["bound"]) for name, found in terms.items()} | {
        "test_sharpened": sharpened,
        "test_minus_floor": estimate(terms["test"]["minus_floor"]),
        "importance_weighted": estimate(weighted),
        "importance_gain": estimate(weighted - log_weights.mean(1)),
        "kl_per_step": [estimate(step) for step in terms["test"]["kl_per_step"].T],
        "own": None if bernoulli else own,
    }


def importance_weighted(log_weights: np.ndarray) -> np.ndarray:
    """The importance-weighted bound (Burda et al. 2016): the log of the mean of K weights.

    log_weights: [n, K]; returns [n], nats. With K = 1 an ordinary bound from one sample; it rises
    with K, in expectation, to log p(x | y).
    """
    return np.logaddexp.reduce(log_weights, axis=1) - np.log(log_weights.shape[1])
