from contextlib import contextmanager

import tensorflow as tf


@contextmanager
def eagerly():
    """TensorFlow functions run without a graph, which is faster for a few steps of training."""
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)
