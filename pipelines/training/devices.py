"""The distribution strategy of the machine."""

import tensorflow as tf


def strategy() -> tf.distribute.Strategy:
    """All visible GPUs as mirrors of each other; one device needs no strategy."""
    gpus = tf.config.list_logical_devices("GPU")
    return tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy()
