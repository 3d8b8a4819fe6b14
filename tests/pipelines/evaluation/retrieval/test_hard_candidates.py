import numpy as np
import pytest

from pipelines.evaluation.retrieval.hard_candidates import TARGET, hard_candidates
from t2i_tf.errors import UserError


def test_by_hand():
    features = np.array([[0.0], [10.0], [11.0], [3.0]])
    assert hard_candidates(features, 3).tolist() == [[0, 3, 1], [1, 2, 3], [2, 1, 3], [3, 0, 1]]


def test_equals_come_by_number_and_itself_first():
    features = np.array([[1.0], [0.0], [0.0], [0.0], [-1.0]])
    assert hard_candidates(features, 3).tolist() == [
        [0, 1, 2],
        [1, 2, 3],
        [2, 1, 3],
        [3, 1, 2],
        [4, 1, 2],
    ]


def test_the_nearest_in_blocks(monkeypatch):
    features = np.random.default_rng(0).normal(size=(53, 4)).astype(np.float32)
    whole = hard_candidates(features, 10)
    monkeypatch.setattr("pipelines.evaluation.retrieval.hard_candidates.BLOCK", 8)
    assert (hard_candidates(features, 10) == whole).all()
    assert (whole[:, TARGET] == np.arange(53)).all()
    assert (hard_candidates(features, 10, searches=20) == whole[:20]).all()
    for k in (0, 8, 52):
        distances = np.linalg.norm(features - features[k], axis=1)
        assert whole[k].tolist() == np.argsort(distances)[:10].tolist()


def test_as_many_candidates_as_pictures():
    found = hard_candidates(np.random.default_rng(0).normal(size=(7, 2)), 7)
    assert (np.sort(found, axis=1) == np.arange(7)).all()


def test_too_few_pictures():
    with pytest.raises(UserError, match="100 candidates needs as many pictures, there are 99"):
        hard_candidates(np.zeros((99, 2)))
