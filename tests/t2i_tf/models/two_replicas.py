"""Trains on one device and on two; fails if weights or logs differ.

    python two_replicas.py draw | vae

Two devices train DRAW with XLA, and the VAE, in a third of the time, without it.

A separate process, because logical devices must be created before TensorFlow starts.
"""

import sys
from contextlib import nullcontext
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).parents[3]))

from t2i_tf.config import VaeConfig
from t2i_tf.models import build_model
from tests.t2i_tf import tiny

MODELS = {
    "draw": tiny.config(conditioning="average"),
    "vae": VaeConfig(
        height=6, width=9, sentence_units=5, text_units=4, hidden_units=7, latent_units=3
    ),
}


def batch():
    sentence = np.random.default_rng(3).standard_normal((4, 5)).astype(np.float32)
    return tiny.batch(4) | {"sentence": sentence}


def train(config, scope, xla):
    with scope:
        model = build_model(config, caption_dropout=0.5)  # the replicas drop what one device drops
        model.compile(keras.optimizers.SGD(1e-2, 0.9, clipnorm=0.5, use_ema=True), jit_compile=xla)
    dataset = tf.data.Dataset.from_tensors(batch()).repeat(3)
    logs = model.fit(dataset, shuffle=False, verbose=0).history
    return [variable.numpy() for variable in model.weights + model.optimizer.variables], logs


def main(name):
    config = MODELS[name]
    devices = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
    one, logs_of_one = train(config, nullcontext(), xla=False)
    replicas = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    two, logs_of_two = train(config, replicas.scope(), xla=name == "draw")
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    for name, values in logs_of_one.items():
        np.testing.assert_allclose(values, logs_of_two[name], rtol=1e-5, err_msg=name)


if __name__ == "__main__":
    main(sys.argv[1])
