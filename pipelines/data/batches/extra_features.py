"""Extra features of a batch: what was computed once for every caption of a split.

A feature is an array with a row for each caption, in the order of the records and of the captions
in them, those of any length. It may lie in a file that is larger than the memory (`np.memmap`).
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from t2i_tf.errors import UserError

ExtraFeatures = Mapping[str, np.ndarray]


def check_extra_features(features: ExtraFeatures, captions: int, where: str) -> None:
    """Raises UserError where a column has not a row for each caption of a split."""
    for name, rows in features.items():
        if len(rows) != captions:
            raise UserError(
                f"{where}: expected a {name} for each of {captions:,} captions, got {len(rows):,}."
                " They were made for other data: make them again."
            )


def with_extra_features(batches: tf.data.Dataset, features: ExtraFeatures) -> tf.data.Dataset:
    """The batches with their rows of the features, in place of the captions' `number` int64 [B]."""

    def add(batch):
        number = batch["number"]
        batch = {name: part for name, part in batch.items() if name != "number"}
        return batch | {name: _gather(rows, number) for name, rows in features.items()}

    return batches.map(add, tf.data.AUTOTUNE, deterministic=True)


def _gather(rows: np.ndarray, number: tf.Tensor) -> tf.Tensor:
    found = tf.numpy_function(lambda wanted: rows[wanted], [number], rows.dtype, stateful=False)
    return tf.ensure_shape(found, [None, *rows.shape[1:]])
