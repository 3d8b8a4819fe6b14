import numpy as np
import pytest
import tensorflow as tf


def assert_gradients_match(weights, loss, *, step=1e-5, rel=1e-6, abs=None, at_random=0):
    """Gradients equal central differences at the largest entry of each weight, and some others.

    Args:
        weights: variables, each of which must have a gradient.
        loss: function of them, a graph or not, without arguments.
        step: by which an entry is moved.
        rel, abs: tolerances of `pytest.approx`.
        at_random: further entries of each weight.
    """
    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, [weight.value for weight in weights])
    rng = np.random.default_rng(4)
    for weight, gradient in zip(weights, gradients, strict=True):
        gradient = tf.convert_to_tensor(gradient).numpy()
        largest = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
        assert gradient[largest] != 0, f"no gradient reaches {weight.path}"
        for entry in (largest, *(tuple(rng.integers(gradient.shape)) for _ in range(at_random))):
            numerical = _central_difference(weight, entry, loss, step)
            assert gradient[entry] == pytest.approx(numerical, rel=rel, abs=abs), weight.path


def _central_difference(weight, entry, loss, step):
    start = weight.numpy()
    shift = np.zeros_like(start)
    shift[entry] = step
    ends = []
    for moved in (start + shift, start - shift):
        weight.assign(moved)
        ends.append(float(loss()))
    weight.assign(start)
    return (ends[0] - ends[1]) / (2 * step)
