"""Paired differences: alignDRAW's recall minus another system's, caption by caption.

All systems search for the same images among the same candidates. A caption that is hard for one is
hard for the others too, which cancels in the difference: its interval is narrower than the two
recalls' own intervals suggest, and may exclude 0 where those overlap.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from pipelines.evaluation.estimate import bootstrap_estimate, present, rows_by_picture
from t2i_tf.metrics.recall import recall_at_k

SUBJECT = "align-draw"  # the paper's own system
DIFFERENCE_RECALLS = (1, 10)
# Settings that determine the captions and their candidates. The classifier identifies the data.
_SEARCH_SETTINGS = ("classifier", "split", "split_pictures", "words", "sizes")

Evaluation = Mapping[str, Any]  # an evaluation.json, as plain values


def add_paired_differences(evaluations: Mapping[str, Evaluation]) -> dict[str, Evaluation]:
    """The evaluations, those of the other systems with a `paired_difference` to alignDRAW.

    `paired_difference` has the layout of `retrieval`, in percentage points: alignDRAW's recall
    minus the system's. It is empty where one of the two has no ranks, or where their captions or
    candidates differ.
    """
    if SUBJECT not in evaluations:
        return dict(evaluations)
    subject = evaluations[SUBJECT]
    return {
        system: evaluation
        if system == SUBJECT
        else evaluation | {"paired_difference": _paired_difference(subject, evaluation)}
        for system, evaluation in evaluations.items()
    }


def _paired_difference(subject: Evaluation, other: Evaluation) -> dict[str, Any]:
    if any(
        subject["settings"].get(name) != other["settings"].get(name) for name in _SEARCH_SETTINGS
    ):
        return {}
    return _differences(subject["retrieval"] or {}, other["retrieval"] or {})


def _differences(subject: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The differences of two searches, in each of their rankings, and of those nested in them."""
    searched = subject.get("searched")
    differences = _ranking_differences(subject, other, searched)
    if not differences:
        return {}
    pairs = {
        name: (subject.get(name) or {}, other.get(name) or {})
        for name in ("minus_floor", "held_out")
    }
    return differences | {
        "minus_floor": _ranking_differences(*pairs["minus_floor"], searched),
        "held_out": _differences(*pairs["held_out"]),
    }


def _ranking_differences(
    subject: Mapping[str, Any], other: Mapping[str, Any], searched: Sequence[int] | None
) -> dict[str, Any]:
    """The differences of two rankings; `searched` is the picture of each rank."""
    subject_ranks, other_ranks = (ranking.get("ranks") or [] for ranking in (subject, other))
    if not subject_ranks or len(subject_ranks) != len(other_ranks):
        return {}
    pairs = rows_by_picture(np.stack([subject_ranks, other_ranks], axis=1), searched)
    return {f"r_at_{k}": _recall_difference(pairs, k) for k in DIFFERENCE_RECALLS}


def _recall_difference(pairs: np.ndarray, k: int) -> dict[str, float | None]:
    """The difference of two recalls at k from pairs of ranks, [pictures, captions, 2]."""

    def difference_of(rows: np.ndarray) -> float:
        subject, other = present(rows).T
        return recall_at_k(subject, k) - recall_at_k(other, k)

    difference = bootstrap_estimate(pairs, difference_of)
    return msgspec.to_builtins(difference)
