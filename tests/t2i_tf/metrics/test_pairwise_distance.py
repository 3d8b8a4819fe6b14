import numpy as np

from t2i_tf.metrics import pairwise_distance


def test_the_two_nearest_rows_are_found_across_blocks(monkeypatch):
    monkeypatch.setattr(pairwise_distance, "BLOCK", 7)
    random = np.random.default_rng(0)
    a, b = random.standard_normal((5, 3)), random.standard_normal((23, 3))
    indices, distances = pairwise_distance.two_nearest(a, b)
    expected = np.linalg.norm(a[:, None] - b, axis=2)
    np.testing.assert_array_equal(indices, expected.argsort(1)[:, :2])
    np.testing.assert_allclose(distances, np.sort(expected, 1)[:, :2])
    twins = pairwise_distance.two_nearest(b[:1], np.concatenate([b, b]))
    assert twins[0].tolist() == [[0, 23]] and np.allclose(twins[1], 0, atol=1e-6)
