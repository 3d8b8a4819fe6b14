"""Trains a small model with Keras alone on one of several workers; TF_CONFIG names them.

    python plain_keras.py

Prints "mended" if `fit` works, else the error.
"""

from t2i_tf.import_tensorflow import import_tensorflow

import_tensorflow()

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402


def main():
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    with strategy.scope():
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
    x, y = np.ones((8, 3), np.float32), np.ones((8, 1), np.float32)
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
    try:
        model.fit(batches, verbose=0)
    except Exception as error:
        print(f"{type(error).__name__}: {error}"[:2000])
    else:
        print("mended")


if __name__ == "__main__":
    main()
