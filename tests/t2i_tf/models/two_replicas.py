"""Trains on one device without XLA and on two with it; fails where weights or logs differ.

A process of its own: logical devices must be made before TensorFlow starts.
"""

import sys
from contextlib import nullcontext
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).parents[3]))

from t2i_tf.models import build_model
from tests.t2i_tf import tiny


def train(scope, xla):
    with scope:
        model = build_model(tiny.config(conditioning="average"))
        model.compile(keras.optimizers.SGD(1e-2, 0.9, clipnorm=0.5, use_ema=True), jit_compile=xla)
    dataset = tf.data.Dataset.from_tensors(tiny.batch(4)).repeat(3)
    logs = model.fit(dataset, shuffle=False, verbose=0).history
    return [variable.numpy() for variable in model.weights + model.optimizer.variables], logs


devices = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
one, logs_of_one = train(nullcontext(), xla=False)
two, logs_of_two = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope(), xla=True)
for a, b in zip(one, two, strict=True):
    np.testing.assert_allclose(a, b, atol=1e-6)
for name, values in logs_of_one.items():
    np.testing.assert_allclose(values, logs_of_two[name], rtol=1e-5, err_msg=name)
