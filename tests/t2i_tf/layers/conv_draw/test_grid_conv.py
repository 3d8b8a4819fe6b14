import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.layers.conv_draw.grid_conv import GridConv, convolve
from tests.reference import convolution

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("grid", [(4, 6), (1, 3)])
def test_it_is_a_convolution_with_zeros_around(size, grid):
    layer = GridConv(5, size, "glorot_uniform", dtype="float64")
    layer.build((None, *grid, 3))
    for weight in layer.weights:
        weight.assign(RNG.standard_normal(weight.shape))
    grids = RNG.standard_normal((2, *grid, 3))
    for one, found in zip(grids, layer(tf.constant(grids)), strict=True):
        expected = convolution.convolve(one, *layer.get_weights())
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_its_gradient_is_that_of_a_convolution(size):
    grid = tf.constant(RNG.standard_normal((2, 4, 6, 3)))
    kernel = tf.constant(RNG.standard_normal((size, size, 3, 5)))
    upstream = tf.constant(RNG.standard_normal((2, 4, 6, 5)))
    gradients = []
    for function in (convolve, lambda grid, kernel: tf.nn.conv2d(grid, kernel, 1, "SAME")):
        with tf.GradientTape() as tape:
            tape.watch((grid, kernel))
            result = function(grid, kernel)
        gradients.append(tape.gradient(result, (grid, kernel), upstream))
    for found, expected in zip(*gradients, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_without_a_bias_there_is_one_weight():
    layer = GridConv(5, 3, "glorot_uniform", None)
    layer.build((None, 4, 6, 3))
    assert [weight.shape for weight in layer.weights] == [(3, 3, 3, 5)]
