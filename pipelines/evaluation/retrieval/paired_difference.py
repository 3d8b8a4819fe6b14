"""By how much alignDRAW finds more pictures than another system, caption by caption.

All systems search for the same pictures among the same candidates. What makes a caption hard is
hard for all of them, and drops out of the difference: so its interval is narrower than those of two
recalls side by side, which may touch where the difference is clear.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.evaluation.estimate import estimate
from t2i_tf.metrics.recall import recall_at_k

SUBJECT = "align-draw"  # the paper's own
RECALLS = (1, 10)
_VARIANTS = ("minus_floor", "held_out")  # of `retrieval`, and of `held_out` in turn
# The settings that say which captions search, and among what; the classifier is that of the data.
_SEARCHED = ("classifier", "split", "split_pictures", "words", "sizes")

Evaluation = Mapping[str, Any]  # an evaluation.json


def with_leads(evaluations: Mapping[str, Evaluation]) -> dict[str, Evaluation]:
    """Every evaluation, and in that of a system that alignDRAW can be paired with its `lead`.

    `lead` is laid out as `retrieval` is, with figures in percentage points: alignDRAW's recall
    minus the system's. There is none where one of the two has no ranks, other captions or other
    candidates.
    """
    return {
        system: evaluation | {"lead": _lead_over(evaluation, evaluations[SUBJECT])}
        if SUBJECT in evaluations and system != SUBJECT
        else evaluation
        for system, evaluation in evaluations.items()
    }


def _lead_over(other: Evaluation, subject: Evaluation) -> dict[str, Any]:
    def searched(evaluation):
        return [evaluation["settings"].get(name) for name in _SEARCHED]

    if searched(other) != searched(subject):
        return {}
    return _lead(subject["retrieval"] or {}, other["retrieval"] or {})


def _lead(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    ranks = [found.get("ranks") or [] for found in (ours, theirs)]
    if not ranks[0] or len(ranks[0]) != len(ranks[1]):
        return {}
    pairs = np.stack(ranks, axis=1)
    return {
        f"r_at_{k}": estimate(
            pairs, lambda rows, k=k: recall_at_k(rows[:, 0], k) - recall_at_k(rows[:, 1], k)
        )
        for k in RECALLS
    } | {name: _lead(ours.get(name) or {}, theirs.get(name) or {}) for name in _VARIANTS}
