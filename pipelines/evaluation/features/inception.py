"""Features of InceptionV3 (Szegedy et al. 2016), from weights that the user provides."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from t2i_tf.errors import UserError

SIDE, BATCH = 299, 32


class Inception:
    """The pooled features before the classification layer.

    Published KID mostly uses the weights of 2015, which differ from these: the values do not
    compare.

    Args:
        weights: An .h5 file of keras.applications.InceptionV3 without its top,
            `inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5`.

    Raises:
        UserError: the file is missing, or does not hold these weights.
    """

    def __init__(self, weights: Path):
        if not Path(weights).is_file():
            raise UserError(f"{weights}: expected a file of InceptionV3's weights, found none.")
        try:
            self._network = keras.applications.InceptionV3(
                include_top=False, weights=str(weights), pooling="avg"
            )
        except (OSError, ValueError, KeyError) as error:
            raise UserError(
                f"{weights} cannot be read as weights of InceptionV3 ({error}). Expected those of"
                " keras.applications without the top: inception_v3_weights_tf_dim_ordering_tf"
                "_kernels_notop.h5."
            ) from None
        self._embed = tf.function(self._features, reduce_retracing=True, autograph=False)

    def features(self, images: np.ndarray) -> np.ndarray:
        """Features float32 [B, 2048] of images uint8 [B, H, W, C], C = 1 or 3."""
        chunks = (images[k : k + BATCH] for k in range(0, len(images), BATCH))
        return np.concatenate([self._embed(tf.constant(chunk)).numpy() for chunk in chunks])

    def _features(self, images):
        values = tf.cast(images, tf.float32) / 127.5 - 1.0
        values = tf.image.resize(values, (SIDE, SIDE), "bilinear")
        return self._network(tf.repeat(values, 3 // values.shape[-1], axis=-1), training=False)
