import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.layers.draw.conditioning import Align, Average
from tests.reference import caption

MASK = np.array([[True] * 4, [True, False, False, False], [True, True, False, False]])
RNG = np.random.default_rng(0)
STATES = RNG.standard_normal((3, 4, 6))
DECODER = RNG.standard_normal((3, 5))


@pytest.fixture(scope="module")
def align():
    layer = Align(7, "glorot_uniform", dtype="float64")
    layer.build(STATES.shape, DECODER.shape)
    for weight in layer.weights:
        weight.assign(RNG.standard_normal(weight.shape))
    return layer


@pytest.fixture(scope="module")
def average():
    layer = Average(dtype="float64")
    layer.build(STATES.shape, DECODER.shape)
    return layer


def call(layer, states, mask, decoder_output):
    memory = layer.memorize(tf.constant(states), tf.constant(mask))
    return [tensor.numpy() for tensor in layer(memory, tf.constant(decoder_output))]


def test_align_matches_the_equations(align):
    context, alignment = call(align, STATES, MASK, DECODER)
    weights = (*align.key.get_weights(), *align.query.get_weights(), align.score.numpy()[:, 0])
    for b, mask in enumerate(MASK):
        expected, alpha = caption.align(STATES[b][mask], DECODER[b], *weights)
        np.testing.assert_allclose(context[b], expected, atol=1e-12)
        np.testing.assert_allclose(alignment[b][mask], alpha, atol=1e-12)


def test_average_matches_the_equations_and_is_constant_over_steps(average):
    context, alignment = call(average, STATES, MASK, DECODER)
    for b, mask in enumerate(MASK):
        expected, alpha = caption.average(STATES[b][mask])
        np.testing.assert_allclose(context[b], expected, atol=1e-12)
        np.testing.assert_allclose(alignment[b][mask], alpha, atol=1e-12)
    later, _ = call(average, STATES, MASK, -3 * DECODER)
    np.testing.assert_array_equal(context, later)


def test_padding_gets_no_attention_whatever_stands_there(align, average):
    for layer in (align, average):
        context, alignment = call(layer, STATES, MASK, DECODER)
        assert not alignment[~MASK].any()
        other, _ = call(layer, np.where(MASK[..., None], STATES, 1e3), MASK, DECODER)
        np.testing.assert_allclose(context, other, atol=1e-12)


def test_alignment_follows_the_decoder(align):
    one, two = call(align, STATES, MASK, DECODER)[1], call(align, STATES, MASK, -DECODER)[1]
    assert np.abs(one - two)[0].max() > 0.01
