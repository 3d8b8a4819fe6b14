import numpy as np
import pytest

from t2i_tf.layers.conv_draw.places import (
    enlarged,
    from_places,
    grid_sides,
    halved,
    to_places,
)


@pytest.mark.parametrize("height, width, side", [(8, 12, 4), (7, 10, 3), (2, 3, 5)])
def test_an_image_comes_back_as_it_was(height, width, side):
    image = np.random.default_rng(0).standard_normal((2, height, width, 3))
    grid = to_places(image, side)
    assert grid.shape == (2, *grid_sides(height, width, side), side * side * 3)
    np.testing.assert_array_equal(from_places(grid, side, height, width), image)


def test_a_place_holds_the_pixels_of_its_square_and_zeros_beyond_the_image():
    image = np.arange(1.0, 16.0).reshape(1, 3, 5, 1)
    grid = to_places(image, 2).numpy()
    np.testing.assert_array_equal(grid[0, 0, 1], [3, 4, 8, 9])
    np.testing.assert_array_equal(grid[0, 1, 2], [15, 0, 0, 0])


def test_an_image_in_small_has_the_means_of_the_pixels_that_there_are():
    image = np.arange(1.0, 16.0).reshape(1, 3, 5, 1)
    np.testing.assert_array_equal(halved(image)[0, :, :, 0], [[4, 6, 7.5], [11.5, 13.5, 15]])


def test_an_enlarged_image_repeats_its_pixels_and_is_the_same_in_small():
    image = np.random.default_rng(0).standard_normal((2, 3, 4, 3))
    large = enlarged(image, 2, 6, 8)
    np.testing.assert_array_equal(large[:, 1::2, 1::2], image)
    np.testing.assert_allclose(halved(large), image, rtol=1e-12)
    np.testing.assert_array_equal(
        enlarged(image, 4, 10, 13), large[:, :5, :7].numpy().repeat(2, 1).repeat(2, 2)[:, :10, :13]
    )
