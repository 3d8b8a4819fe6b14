"""The distribution strategy of the machine."""

import tensorflow as tf


def strategy() -> tf.distribute.Strategy:
    """Mirrors the model on all visible GPUs; the default strategy if there is one device."""
    gpus = tf.config.list_logical_devices("GPU")
    return tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy()
