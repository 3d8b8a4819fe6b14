from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.layers.draw.unroll import unroll


class State(NamedTuple):
    total: tf.Tensor


class Output(NamedTuple):
    seen: tf.Tensor
    twice: tf.Tensor


def step(state, value, t):
    state = State(state.total * 0.5 + value * tf.cast(t + 1, value.dtype))
    return state, Output(state.total, 2 * value)


INPUTS = np.random.default_rng(0).standard_normal((4, 3))


def expected():
    total, seen = np.zeros(3), []
    for t, value in enumerate(INPUTS):
        total = total * 0.5 + value * (t + 1)
        seen.append(total)
    return np.array(seen)


def run(inputs):
    return unroll(step, State(tf.zeros([3], inputs.dtype)), inputs, Output)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_runs_every_step_in_order_and_stacks_what_it_leaves(dtype):
    state, outputs = run(tf.constant(INPUTS, dtype))
    np.testing.assert_allclose(outputs.seen, expected(), rtol=1e-5)
    np.testing.assert_allclose(outputs.twice, 2 * INPUTS, rtol=1e-5)
    np.testing.assert_array_equal(state.total, outputs.seen[-1])
    assert outputs.seen.dtype == dtype


@pytest.mark.parametrize("known", [len(INPUTS), None])
@pytest.mark.parametrize("xla", [False, True])
def test_gradients_pass_through_all_steps(xla, known):
    @tf.function(jit_compile=xla, input_signature=[tf.TensorSpec([known, 3], tf.float64)])
    def gradient(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            total = tf.reduce_sum(run(inputs)[0].total)
        return tape.gradient(total, inputs)

    factors = [(t + 1) * 0.5 ** (len(INPUTS) - 1 - t) for t in range(len(INPUTS))]
    expected = np.repeat(np.array(factors)[:, None], 3, axis=1)
    np.testing.assert_allclose(gradient(tf.constant(INPUTS)), expected, rtol=1e-12)
