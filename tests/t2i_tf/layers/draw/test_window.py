import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.layers.draw.window import extent, whole_image, window
from tests.reference import attention

HEIGHT, WIDTH, SIZE = 6, 9, 4
PARAMETERS = np.random.default_rng(0).standard_normal((5, 5))


def test_a_window_and_its_extent_match_the_equations():
    windows = window(tf.constant(PARAMETERS), HEIGHT, WIDTH, SIZE)
    extents = extent(windows, SIZE)
    for b, parameters in enumerate(PARAMETERS):
        expected = attention.window(parameters, HEIGHT, WIDTH, SIZE)
        for name, found in windows._asdict().items():
            np.testing.assert_allclose(found[b, 0], getattr(expected, name), rtol=1e-12)
        np.testing.assert_allclose(extents[b], attention.extent(expected, SIZE), rtol=1e-12)


@pytest.mark.parametrize("size", [3, 4])
def test_the_authors_window_has_the_extent_of_their_equations(size):
    windows = window(tf.constant(PARAMETERS), HEIGHT, WIDTH, size, "authors")
    for b, parameters in enumerate(PARAMETERS):
        expected = attention.window(parameters, HEIGHT, WIDTH, size, authors=True)
        found = extent(windows, size)[b]
        np.testing.assert_allclose(found, attention.extent(expected, size), rtol=1e-12)


def test_the_authors_centred_window_is_off_as_their_code_is():
    """By hand: of 9 pixels the middle is 4, theirs is 5, less half a stride or a whole one."""
    for size, shift in ((9, 0.5), (5, 1.0), (8, 8 / 7), (2, 8.0)):
        _, left, _, right = extent(window(tf.zeros([1, 5]), 9, 9, size, "authors"), size)[0]
        assert float(left + right) / 2 == pytest.approx(5 - shift, abs=1e-6), size


def test_a_centred_window_lies_exactly_on_the_middle_of_the_image():
    centred = window(tf.zeros([1, 5]), HEIGHT, WIDTH, SIZE)
    np.testing.assert_allclose(extent(centred, SIZE), [[-1.5, 0, 6.5, 8]])


def test_a_patch_of_one_sample_covers_the_longer_side():
    assert float(window(tf.zeros([1, 5]), HEIGHT, WIDTH, 1).stride[0, 0]) == WIDTH - 1


def test_gradients_match_finite_differences():
    exact, numerical = tf.test.compute_gradient(
        lambda parameters: extent(window(parameters, HEIGHT, WIDTH, SIZE), SIZE),
        [tf.constant(PARAMETERS[:1])],
        delta=1e-5,
    )
    np.testing.assert_allclose(exact[0], numerical[0], atol=1e-7)


def test_the_whole_image_is_the_extent_of_a_centred_window_that_spans_it():
    whole = whole_image(WIDTH, WIDTH, batch=2, steps=3, dtype="float32")
    spanning = extent(window(tf.zeros([1, 5]), WIDTH, WIDTH, SIZE), SIZE)
    assert whole.shape == (2, 3, 4)
    np.testing.assert_allclose(whole, np.broadcast_to(spanning, (2, 3, 4)), atol=1e-6)
