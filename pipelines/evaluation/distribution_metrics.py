"""How far the set of drawings resembles the set of real images, by the features of networks."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from pipelines.evaluation.estimate import Estimate, point_estimate
from pipelines.evaluation.results import PrecisionRecall, RealAgainstReal
from t2i_tf.metrics.frechet_distance import frechet_distance
from t2i_tf.metrics.kid_precision_recall import kid, precision_recall

Features = Callable[[np.ndarray], np.ndarray]  # uint8 [n, H, W, C] to float [n, D]

NEIGHBOURS = 3  # k of precision and recall


class DistributionMetrics(NamedTuple):
    """Metrics by the name of the network; None without one, or with too few images."""

    precision_recall: dict[str, PrecisionRecall | None]
    kid: dict[str, Estimate | None]
    frechet: dict[str, Estimate | None]
    real: dict[str, RealAgainstReal | None]  # None also where there are no other real images


def distribution_metrics(
    real: np.ndarray,
    drawn: np.ndarray,
    networks: Mapping[str, Features | None],
    other_real: np.ndarray | None = None,
) -> DistributionMetrics:
    """Precision and recall (Kynkaanniemi et al. 2019), KID (Binkowski et al. 2018) and Fréchet.

    They compare whole sets, and so have no intervals over examples.

    Args:
        real: uint8 [n, H, W, C].
        drawn: A drawing of each real image's caption, uint8 [n, H, W, C].
        networks: Features by name; None for a network that is not at hand.
        other_real: Further real images, uint8 [n, H, W, C], measured in place of the drawings: what
            perfect drawings would reach. As many as the drawings, as the metrics depend on it.
    """
    metrics = DistributionMetrics({}, {}, {}, {})
    for name, features in networks.items():
        enough = features is not None and len(real) > NEIGHBOURS
        embedded = (features(real), features(drawn)) if enough else None
        metrics.precision_recall[name] = embedded and _precision_recall(*embedded)
        metrics.kid[name] = embedded and point_estimate(kid(*embedded, paired=True))
        metrics.frechet[name] = embedded and point_estimate(frechet_distance(*embedded))
        metrics.real[name] = None
        if embedded and other_real is not None:
            metrics.real[name] = _real_against_real(embedded[0], features(other_real))
    return metrics


def _real_against_real(real: np.ndarray, other: np.ndarray) -> RealAgainstReal:
    both = _precision_recall(real, other)
    return RealAgainstReal(
        precision=both.precision,
        recall=both.recall,
        kid=point_estimate(kid(real, other)),
        frechet=point_estimate(frechet_distance(real, other)),
    )


def _precision_recall(real: np.ndarray, drawn: np.ndarray) -> PrecisionRecall:
    both = precision_recall(real, drawn, NEIGHBOURS)
    return PrecisionRecall(
        precision=point_estimate(both.precision), recall=point_estimate(both.recall)
    )
