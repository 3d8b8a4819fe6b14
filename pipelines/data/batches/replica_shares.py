"""The parts of each batch that the replicas of one worker take.

All workers make the same batches, each a function of seed and step, and replica r of n takes the
r-th of n equal parts. The captions of every replica therefore have the same N, and the replicas
together train on the very batch that one device would.
"""

from typing import NamedTuple

import tensorflow as tf

from t2i_tf.errors import UsageError


class ReplicaRange(NamedTuple):
    """The replicas of one worker among those of all workers."""

    first: int
    count: int
    all: int


def replica_shares(batches: tf.data.Dataset, replicas: ReplicaRange) -> tf.data.Dataset:
    """The parts of each batch for the replicas of a worker, one after another.

    The batches have a size that the number of all replicas divides: see `check_divisible`.
    """

    def parts(batch):
        size = tf.shape(next(iter(batch.values())))[0] // replicas.all
        own = tf.data.Dataset.range(
            replicas.first, replicas.first + replicas.count, output_type=tf.int32
        )
        return own.map(lambda r: {k: v[r * size : (r + 1) * size] for k, v in batch.items()})

    return batches.flat_map(parts).prefetch(tf.data.AUTOTUNE)


def check_divisible(size: int, replicas: int, what: str, flag: str) -> None:
    """Checks that the replicas can share a batch equally.

    Args:
        size: Examples in the batch.
        replicas: Replicas of all workers.
        what: Name of the batch, such as "A batch".
        flag: Flag that sets its size.

    Raises:
        UsageError: they cannot.
    """
    if size % replicas == 0:
        return
    below = size // replicas * replicas
    sizes = [str(near) for near in (below, below + replicas) if near]
    raise UsageError(
        f"{what} of {size} cannot be shared equally by {replicas} replicas (workers times their"
        f" GPUs). Set {flag} {' or '.join(sizes)}, or train on a number of replicas that divides"
        f" {size}."
    )
