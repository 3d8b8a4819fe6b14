import numpy as np

from t2i_tf.metrics.gradient_magnitude import gradient_magnitude


def test_gradient_magnitude_of_a_slope_and_an_edge():
    slope = np.tile(np.arange(0, 40, 4, dtype=np.uint8), (10, 1))[None, :, :, None]
    np.testing.assert_allclose(gradient_magnitude(slope), 4 / 255)
    edge = np.zeros((1, 3, 3, 1), np.uint8)
    edge[:, 1:] = 255  # of the four differences taken, two go down over it
    np.testing.assert_allclose(gradient_magnitude(edge), 0.5)
    both = np.zeros((1, 2, 2, 1), np.uint8)
    both[0, 0, 1], both[0, 1, 0] = 51, 68
    np.testing.assert_allclose(gradient_magnitude(both), np.hypot(0.2, 68 / 255))


def test_every_image_has_its_own_value():
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 4, 1), np.uint8)
    found = gradient_magnitude(images)
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found[1, 2], gradient_magnitude(images[1, 2]))
