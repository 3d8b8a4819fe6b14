import numpy as np
import pytest

from t2i_tf.layers.conv_draw.places import from_places, grid_sides, to_places


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
