from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.errors import UserError
from t2i_tf.image_ops import (
    check_same_shape,
    from_pixels,
    image_shape,
    shape_in_words,
    to_floats,
    to_pixels,
)

PIXELS = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pixels_survive_the_way_to_floats_and_back(dtype):
    floats = from_pixels(PIXELS, dtype)
    assert floats.dtype == dtype
    np.testing.assert_allclose(floats, PIXELS / 255, rtol=1e-6)
    np.testing.assert_array_equal(to_pixels(floats), PIXELS)


def test_images_are_floats_whether_they_were_pixels_or_floats():
    pixels = tf.constant(PIXELS)
    np.testing.assert_array_equal(to_floats(pixels, "float32"), PIXELS / np.float32(255))
    np.testing.assert_array_equal(
        to_floats(from_pixels(pixels, "float64"), "float64"), PIXELS / 255
    )


def test_floats_are_rounded_to_the_nearest_pixel():
    np.testing.assert_array_equal(to_pixels(np.array([0.4, 0.6, 254.4]) / 255), [0, 1, 254])


def test_sizes():
    shape = image_shape(SimpleNamespace(height=32, width=48, channels=3))
    assert shape == (32, 48, 3)
    assert shape_in_words(shape) == "32 x 48 x 3"


def test_another_size_is_refused_with_both_sizes_and_the_remedy():
    check_same_shape((4, 6, 3), (4, 6, 3), "", "")
    message = r"^Wanted 4 x 6 x 3, got 4 x 6 x 1 \(height x width x channels\)\. Convert them\.$"
    with pytest.raises(UserError, match=message):
        check_same_shape((4, 6, 3), (4, 6, 1), "Wanted {expected}, got {found}", "Convert them.")
