"""How far the set of drawings resembles the set of real images, by the features of networks."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from pipelines.evaluation.estimate import Estimate, point_estimate
from pipelines.evaluation.results import PrecisionRecall
from t2i_tf.metrics.kid_precision_recall import kid, precision_recall

Features = Callable[[np.ndarray], np.ndarray]  # uint8 [n, H, W, C] to float [n, D]

NEIGHBOURS = 3  # k of precision and recall


class DistributionMetrics(NamedTuple):
    """Metrics by the name of the network; None without one, or with too few images."""

    precision_recall: dict[str, PrecisionRecall | None]
    kid: dict[str, Estimate | None]


def distribution_metrics(
    real: np.ndarray, drawn: np.ndarray, networks: Mapping[str, Features | None]
) -> DistributionMetrics:
    """Precision and recall (Kynkaanniemi et al. 2019) and KID (Binkowski et al. 2018).

    They compare whole sets, and so have no intervals over examples.

    Args:
        real: uint8 [n, H, W, C].
        drawn: A drawing of each real image's caption, uint8 [n, H, W, C].
        networks: Features by name; None for a network that is not at hand.
    """
    metrics = DistributionMetrics({}, {})
    for name, features in networks.items():
        enough = features is not None and len(real) > NEIGHBOURS
        embedded = (features(real), features(drawn)) if enough else None
        metrics.precision_recall[name] = embedded and _precision_recall(*embedded)
        metrics.kid[name] = embedded and point_estimate(kid(*embedded, paired=True))
    return metrics


def _precision_recall(real: np.ndarray, drawn: np.ndarray) -> PrecisionRecall:
    both = precision_recall(real, drawn, NEIGHBOURS)
    return PrecisionRecall(
        precision=point_estimate(both.precision), recall=point_estimate(both.recall)
    )
