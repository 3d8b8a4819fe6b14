"""Extra features of a batch: arrays that were computed once for every caption of a split.

A feature has a row for each caption of any length, in the order of the records and of the captions
within a record. It may lie in a file that is larger than the memory (`np.memmap`).
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from t2i_tf.errors import UserError

ExtraFeatures = Mapping[str, np.ndarray]


def check_extra_features(features: ExtraFeatures, captions: int, where: str) -> None:
    """Checks that every feature has a row for each caption of a split.

    Raises:
        UserError: a feature has more or fewer rows.
    """
    for name, rows in features.items():
        if len(rows) != captions:
            raise UserError(
                f"{where}: expected a {name} for each of {captions:,} captions, got {len(rows):,}."
                " It was computed for other data: delete the arrays beside the data folder, which"
                " are then computed again."
            )


def with_extra_features(batches: tf.data.Dataset, features: ExtraFeatures) -> tf.data.Dataset:
    """The batches with their rows of the features instead of `number`, the captions' indices."""

    def add(batch):
        number = batch["number"]
        batch = {name: part for name, part in batch.items() if name != "number"}
        return batch | {name: _gather(rows, number) for name, rows in features.items()}

    return batches.map(add, tf.data.AUTOTUNE, deterministic=True)


def _gather(rows: np.ndarray, number: tf.Tensor) -> tf.Tensor:
    gathered = tf.numpy_function(lambda index: rows[index], [number], rows.dtype, stateful=False)
    return tf.ensure_shape(gathered, [None, *rows.shape[1:]])
