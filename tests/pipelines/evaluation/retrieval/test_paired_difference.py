import numpy as np
import pytest

from pipelines.evaluation.estimate import bootstrap_estimate
from pipelines.evaluation.retrieval.paired_difference import add_paired_differences
from t2i_tf.metrics.recall import recall_at_k
from tests.pipelines.evaluation.evaluations import evaluation, retrieval


def searched(ranks, **variants):
    found = evaluation()
    found["retrieval"] = retrieval(1.0) | {"ranks": list(ranks)} | variants
    return found


def difference(subject, other):
    evaluations = {"align-draw": subject, "noalign-draw": other}
    return add_paired_differences(evaluations)["noalign-draw"]["paired_difference"]


def test_by_hand():
    found = difference(searched([0, 0, 2, 40]), searched([0, 3, 11, 30]))
    assert found["r_at_1"]["value"] == 25.0 and found["r_at_10"]["value"] == 25.0
    assert found["held_out"] == found["minus_floor"] == {}


def test_held_out_captions_and_other_rankings_have_their_own_differences():
    held_out = {"ranks": [0, 0], "minus_floor": {"ranks": [0, 1]}}
    worse = {"ranks": [1, 0], "minus_floor": {"ranks": [12, 1]}}
    found = difference(searched([0], held_out=held_out), searched([0], held_out=worse))
    assert found["held_out"]["r_at_1"]["value"] == 50.0
    assert found["held_out"]["minus_floor"]["r_at_10"]["value"] == 50.0


def test_the_captions_of_a_picture_are_resampled_together():
    subject = searched([0, 9, 0, 9], searched=[0, 1, 0, 1])
    found = difference(subject, searched([9, 9, 9, 9], searched=[0, 1, 0, 1]))["r_at_1"]
    assert (found["value"], found["low"], found["high"]) == (50.0, 0.0, 100.0)


def test_a_difference_is_clear_where_the_intervals_of_the_recalls_overlap():
    random = np.random.default_rng(0)
    theirs = random.integers(0, 3, 400)
    ours = np.where((theirs == 1) & (random.random(400) < 0.15), 0, theirs)
    (a, b), paired = (
        [bootstrap_estimate(ranks, lambda rows: recall_at_k(rows, 1)) for ranks in (ours, theirs)],
        difference(searched(ours), searched(theirs))["r_at_1"],
    )
    assert a.low < b.high  # they overlap
    assert paired["low"] > 0
    assert paired["value"] == pytest.approx(a.value - b.value)


def test_other_candidates_and_none_at_all_are_not_paired():
    other = searched([0, 1])
    other["settings"] = other["settings"] | {"classifier": "of other data"}
    assert difference(searched([0, 0]), other) == {}
    for name, value in (("words", [4, 16]), ("split_pictures", 7)):
        other["settings"] = evaluation()["settings"] | {name: value}
        assert difference(searched([0, 0]), other) == {}
    assert difference(searched([0, 0]), searched([0, 0, 0])) == {}
    assert difference(searched([0, 0]), evaluation() | {"retrieval": None}) == {}
    alone = {"noalign-draw": searched([0])}
    assert add_paired_differences(alone) == alone
