"""Random changes of training batches, functions of seed and step: a resumed run repeats them."""

from collections.abc import Callable, Mapping

import tensorflow as tf

Batch = Mapping[str, tf.Tensor]


def change_at_random(
    batches: tf.data.Dataset,
    start_step: int,
    key: tuple[int, int],
    change: Callable[[tf.Tensor, Batch], Batch],
) -> tf.data.Dataset:
    """The batches from `start_step` on, each as `change(key, batch)` makes it.

    Args:
        batches: Training batches, the first of which is that of `start_step`.
        start_step: Number of that step.
        key: Seed of the run, and a number that sets this change apart from others of the same seed.
        change: Given a key for stateless random ops, int64 [2], another at every step.
    """
    key = tf.constant(key, tf.int64)

    def at_step(step, batch):
        return change(tf.random.experimental.stateless_fold_in(key, step), batch)

    return batches.enumerate(start_step).map(at_step, tf.data.AUTOTUNE, deterministic=True)
