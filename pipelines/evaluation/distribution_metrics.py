"""How the drawings as a set resemble the real pictures as a set, by the features of networks."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pipelines.evaluation.estimate import point
from t2i_tf.metrics.kid_precision_recall import kid, precision_recall

Features = Callable[[np.ndarray], np.ndarray]  # uint8 [n, H, W, C] to float [n, D]

NEIGHBOURS = 3  # k, of precision and recall


def realism_figures(
    real: np.ndarray, drawn: np.ndarray, networks: Mapping[str, Features | None]
) -> dict[str, Any]:
    """Precision and recall (Kynkaanniemi et al. 2019) and KID (Binkowski et al. 2018).

    They are no means over examples, and so have no intervals.

    Args:
        real: uint8 [n, H, W, C].
        drawn: a drawing of each real picture's caption, uint8 [n, H, W, C].
        networks: what gives the features, by name.

    Returns:
        `precision_recall` and `kid`, by the network's name; None where there is none, or fewer
        pictures than precision needs.
    """
    found = {name: _figures(real, drawn, features) for name, features in networks.items()}
    return {
        what: {name: figures and figures[what] for name, figures in found.items()}
        for what in ("precision_recall", "kid")
    }


def _figures(real: np.ndarray, drawn: np.ndarray, features: Features | None):
    if features is None or len(real) <= NEIGHBOURS:
        return None
    a, b = features(real), features(drawn)
    both = precision_recall(a, b, NEIGHBOURS)
    return {
        "precision_recall": {"precision": point(both.precision), "recall": point(both.recall)},
        "kid": point(kid(a, b, paired=True)),
    }
