import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.layers.conv_stacks import ConvStack, DeconvStack, stack_shapes
from tests.reference.convolution import convolve, deconvolve

FILTERS = [2, 3, 4]
SHAPES = [(8, 8, 3), (6, 9, 3), (5, 7, 1), (1, 2, 3)]


def randomized(layer, shape):
    layer.build((None, *shape))
    rng = np.random.default_rng(0)
    for weight in layer.weights:
        weight.assign(rng.standard_normal(weight.shape))
    return layer


def values(*shape):
    return np.random.default_rng(1).standard_normal(shape)


def test_shapes_halve_and_round_up():
    assert stack_shapes((60, 9, 1), [64, 128, 256]) == [
        (60, 9, 1),
        (30, 5, 64),
        (15, 3, 128),
        (8, 2, 256),
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_stack_matches_the_equations(shape):
    layer = randomized(ConvStack(shape, FILTERS, "glorot_uniform", dtype="float64"), shape)
    pictures = values(2, *shape)
    found = layer(pictures)
    assert found.shape == (2, *layer.shapes[-1])
    for picture, features in zip(pictures, found, strict=True):
        for convolution in layer.convolutions:
            picture = np.maximum(convolve(picture, *convolution.get_weights(), stride=2), 0)
        np.testing.assert_allclose(features, picture, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_mirror_matches_the_equations_and_gives_the_size_back(shape):
    layer = DeconvStack(shape, FILTERS, "glorot_uniform", dtype="float64")
    randomized(layer, layer.shapes[0])
    stack = values(2, *layer.shapes[0])
    found = layer(stack)
    assert found.shape == (2, *shape)
    for features, picture in zip(stack, found, strict=True):
        for k, convolution in enumerate(layer.convolutions):
            features = deconvolve(
                features, *convolution.get_weights(), stride=2, shape=layer.shapes[k + 1][:2]
            )
            features = features if k == 2 else np.maximum(features, 0)
        np.testing.assert_allclose(picture, features, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_layer_of_the_mirror_is_the_transpose_of_its_convolution(shape):
    down = ConvStack(shape, [5], "glorot_uniform", dtype="float64")
    up = DeconvStack(shape, [5], "glorot_uniform", dtype="float64")
    down.build((None, *shape))
    up.build((None, *down.shapes[-1]))
    kernel = values(4, 4, shape[-1], 5)
    down.convolutions[0].kernel.assign(kernel)
    up.convolutions[0].kernel.assign(kernel)
    down.convolutions[0].activation = tf.identity
    picture, features = values(1, *shape), values(1, *down.shapes[-1])
    one = np.vdot(down(picture), features)
    assert one == pytest.approx(np.vdot(picture, up(features)), rel=1e-10)
