import keras
import numpy as np
import pytest

from t2i_tf.config import OptimizerConfig
from t2i_tf.optimizers import build_optimizer


def test_rmsprop_is_set_as_the_authors_set_it():
    optimizer = build_optimizer(OptimizerConfig())
    assert isinstance(optimizer, keras.optimizers.RMSprop)
    assert (optimizer.rho, optimizer.epsilon, optimizer.clipnorm) == (0.9, 1e-6, 10.0)
    assert float(optimizer.learning_rate) == pytest.approx(1e-3)


def test_a_step_of_rmsprop_with_clipping_matches_the_equation():
    optimizer = build_optimizer(OptimizerConfig(clip_norm=1.0))
    weight = keras.Variable(np.array([1.0, 2.0], np.float32))
    gradient = np.array([3.0, 4.0], np.float32)
    optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
    clipped = gradient / 5
    expected = [1.0, 2.0] - 1e-3 * clipped / np.sqrt(0.1 * clipped**2 + 1e-6)
    np.testing.assert_allclose(weight, expected, rtol=1e-6)


@pytest.mark.parametrize("ema", [0.0, 0.99])
def test_adam_keeps_averages_if_asked(ema):
    optimizer = build_optimizer(OptimizerConfig(name="adam", beta_1=0.5, ema=ema))
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert optimizer.beta_1 == 0.5
    assert optimizer.use_ema == (ema > 0)


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
def test_weight_decay_shrinks_kernels_alone(name):
    ends = {}
    for decay in (0.0, 0.25):
        optimizer = build_optimizer(
            OptimizerConfig(name=name, learning_rate=0.5, weight_decay=decay, ema=0.0)
        )
        names = ("kernel", "recurrent_kernel", "bias", "embeddings", "initial_encoder_h")
        weights = [keras.Variable(np.array([2.0, -4.0], np.float32), name=one) for one in names]
        optimizer.apply([keras.ops.ones(2) for _ in weights], weights)
        ends[decay] = {weight.name: weight.numpy() for weight in weights}
    for one, values in ends[0.25].items():
        shrunk = 0.5 * 0.25 * np.array([2.0, -4.0]) if "kernel" in one else 0.0
        np.testing.assert_allclose(values, ends[0.0][one] - shrunk, rtol=1e-5, err_msg=one)
