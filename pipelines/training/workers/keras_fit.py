"""What Keras lacks to train on several workers with `fit`: the whole of it is in this file.

Keras 3 does not support `MultiWorkerMirroredStrategy` (keras-team/keras#20585): before the first
step it averages a batch over the workers to build a model that is built already, and after each
step it averages the logs as if they were batches. Here the model is not built again, and the step
functions return logs that are equal on all workers. `tests/pipelines/training/workers/` has a test
that fails when Keras no longer needs this.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf


class Ballot(NamedTuple):
    """What the workers tell each other with every training step.

    The numbers travel in the same all-reduce as the logs, so that all workers know them after the
    same step.
    """

    cast: Callable[[], Sequence[float]]
    """This worker's numbers, called before each step."""
    count: Callable[[Sequence[float]], None]
    """Called after the step with the sums over all workers."""


def fit_on_workers(model: keras.Model, ballot: Ballot) -> None:
    """Makes `fit` and `evaluate` of a compiled model work under its multi-worker strategy."""
    model._maybe_symbolic_build = lambda *arguments, **options: None
    model.make_train_function = lambda force=False: _set_train_function(model, ballot, force)
    model.make_test_function = lambda force=False: _set_test_function(model, force)


def _set_train_function(model: keras.Model, ballot: Ballot, force: bool) -> None:
    if model.train_function is not None and not force:
        return
    step = _step_function(model, lambda batch: model.train_step(batch))

    def train(iterator):
        logs, votes = step(iterator, tf.constant(ballot.cast(), tf.float32))
        ballot.count(votes.numpy().tolist())
        return logs

    model.train_function = train


def _set_test_function(model: keras.Model, force: bool) -> None:
    if model.test_function is not None and not force:
        return
    step = _step_function(model, lambda batch: model.test_step(batch))
    model.test_function = lambda iterator: step(iterator, tf.zeros([0]))[0]


def _step_function(
    model: keras.Model, one_step: Callable
) -> tf.types.experimental.PolymorphicFunction:
    """A function of iterator and votes that returns the mean logs and the sums of the votes."""
    strategy = model.distribute_strategy
    replicas = strategy.num_replicas_in_sync
    local = len(strategy.extended.worker_devices)
    names: list[str] = []

    def on_replica(batch, votes):
        logs = one_step(batch)
        names[:] = logs
        means = tf.stack([tf.cast(value, tf.float32) for value in logs.values()]) / replicas
        return tf.distribute.get_replica_context().all_reduce(
            tf.distribute.ReduceOp.SUM, tf.concat([means, votes / local], axis=0)
        )

    @tf.function(reduce_retracing=True)
    def step(iterator, votes):
        reduced = strategy.run(on_replica, args=(next(iterator), votes))
        reduced = strategy.experimental_local_results(reduced)[0]
        logs = dict(zip(names, tf.unstack(reduced[: len(names)], len(names)), strict=True))
        return logs, reduced[len(names) :]

    return step
