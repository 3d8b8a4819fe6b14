"""The contract between models and the trainer, and the training step that all of them share."""

import functools
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

Batch = Mapping[str, tf.Tensor]
Terms = Mapping[str, tf.Tensor]

_NO_REPLICA = -1  # in a seed, where the replica's own random numbers have its index


class Preview(NamedTuple):
    """What a model does with a batch, for display."""

    pictures: tf.Tensor  # float32 [B, K, H, W, C] in [0, 1], a row of K for each example
    token_ids: tf.Tensor  # int32 [B, N], the captions under the rows
    canvases: tf.Tensor  # float32 [B, T, H, W, C] in [0, 1], the steps of each drawing
    alignment: tf.Tensor  # float32 [B, T, N], attention over the words; N = 0 without attention


class TrainableModel(keras.Model):
    """A model that `fit` trains by the gradient of one objective, or of several adversarial ones.

    A subclass sets `feature_keys`, `measures` and, where it needs noise, `noise_shape`, and
    implements `terms`. With `compile(jit_compile=True)` XLA compiles the terms with their
    gradients, and the optimizer separately: where replicas exchange gradients the optimizer stays
    outside XLA, so that the same step runs under any distribution strategy.

    One optimizer updates all weights at once: each weight has moments of its own, and the gradient
    of the objective that owns it.
    """

    title: str = ""
    """The system's name, as in the paper."""
    paper = (
        '"Generating Images from Captions with Attention", Mansimov, Parisotto, Ba, Salakhutdinov,'
        " ICLR 2016"
    )
    """Where the system is described."""
    feature_keys: tuple[str, ...] = ("image", "token_ids")
    """The features of a batch that the model reads."""
    measures: tuple[str, ...] = ("loss",)
    """The terms that are averaged and reported. If `loss` is one of them, the checkpoint with the
    lowest validation loss is the best one."""
    headline: tuple[str, ...] = ("loss",)
    """The most important measures, for a line on the screen."""
    unit = "nats"
    """Unit of the measures in the headline."""
    noise_shape: tuple[int, int] = (0, 0)
    """T, Z: shape of the standard normals for one example."""

    def __init__(self, *, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.trackers = {
            name: keras.metrics.Mean(name=name) for name in (*self.measures, "gradient_norm")
        }

    @abstractmethod
    def terms(self, batch: Batch, noise: tf.Tensor, seed: tf.Tensor | None = None) -> Terms:
        """All `objectives` and `measures`, each [B]; terms called `..._per_step` are [T, B].

        Args:
            batch: a tensor for each of `feature_keys`: `image` is uint8 [B, H, W, C], `token_ids`
                int32 [B, N].
            noise: [T, B, Z], standard normal.
            seed: int32 [2], seed of the dropout in training; None in evaluation.
        """

    @property
    def objectives(self) -> Mapping[str, Sequence[keras.Variable]]:
        """Each term to minimise and the weights it owns, together all trainable weights."""
        return {"loss": self.trainable_variables}

    def random_features(self, examples: tf.Tensor, seed: tf.Tensor) -> Batch:
        """Random features that a training step adds to the batch; none by default.

        Args:
            examples: number of examples in the batch, over all replicas.
            seed: int32 [2], a function of the model's seed and the step.
        """
        return {}

    def preview(self, batch: Batch) -> Preview | None:
        """Images for display, or None."""
        return None

    def compile(self, optimizer="rmsprop", jit_compile="auto", **kwargs):
        """Compile as `keras.Model` does; "auto" means XLA."""
        super().compile(optimizer=optimizer, jit_compile=False, **kwargs)
        xla = True if jit_compile == "auto" else jit_compile
        # The steps are written in TensorFlow's own control flow: AutoGraph would only trace slower.
        compiled = functools.partial(tf.function, jit_compile=xla, autograph=False)
        self._compiled_gradients = compiled(self._terms_and_gradients)
        self._compiled_terms = compiled(self.terms)
        if _replicas() == 1:
            self._compiled_update = compiled(self._update)
        else:
            self._compiled_update = self._update_mirrors
            self.optimizer._all_reduce_sum_gradients = list  # `_update_mirrors` sums them once

    @property
    def metrics(self):  # noqa: D102
        return list(self.trackers.values())

    def train_step(self, batch):  # noqa: D102
        batch = self._read(batch)
        counter = self.optimizer.iterations.value
        noise = self._batch_noise(batch, stream=0, counter=counter)
        batch |= self._random_features(batch, counter)
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        seed = tf.random.fold_in([self.seed, replica], tf.cast(counter, tf.int32))
        terms, gradients = self._compiled_gradients(batch, noise, seed)
        # All replicas have the same norm: together they count once, however many resume the run.
        norm, weight = self._compiled_update(gradients), 1.0 / _replicas()
        self.trackers["gradient_norm"].update_state(norm, sample_weight=weight)
        return self._track(terms)

    def test_step(self, batch):  # noqa: D102
        batch = self._read(batch)
        # Each replica counts its own examples: noise and loss are those of a single device.
        counter = self.trackers[self.measures[0]].count.value * _replicas()
        noise = self._batch_noise(batch, stream=1, counter=counter)
        return self._track(self._compiled_terms(batch, noise))

    def _read(self, batch: Batch) -> dict[str, tf.Tensor]:
        return {name: batch[name] for name in self.feature_keys}

    def _terms_and_gradients(self, batch, noise, seed):
        with tf.GradientTape(persistent=len(self.objectives) > 1) as tape:
            terms = self.terms(batch, noise, seed)
            losses = {name: tf.reduce_mean(terms[name]) / _replicas() for name in self.objectives}
        gradients = {}
        for name, variables in self.objectives.items():
            own = tape.gradient(losses[name], [variable.value for variable in variables])
            gradients |= {v.path: g for v, g in zip(variables, own, strict=True)}
        ordered = [gradients[variable.path] for variable in self.trainable_variables]
        return terms, [tf.convert_to_tensor(gradient) for gradient in ordered]

    def _update(self, gradients):
        self.optimizer.apply(gradients, self.trainable_variables)
        return tf.linalg.global_norm(gradients)

    def _update_mirrors(self, gradients):
        """`_update` with the gradients of all replicas.

        Keras clips the gradients of each replica and then sums them. Here they are summed first, so
        that clipping acts as on a single device.
        """
        context = tf.distribute.get_replica_context()
        gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        return self._update(gradients)

    def _batch_noise(self, batch, stream, counter):
        """This replica's share of the whole batch's noise, a function of seed and counter."""
        steps, units = self.noise_shape
        examples, own = self._shares(batch)
        seed = tf.stack([2 * self.seed + stream, tf.cast(counter, tf.int32)])
        noise = tf.random.stateless_normal(
            [steps, examples, units], seed, dtype=self.variable_dtype
        )
        return noise[:, own]

    def _random_features(self, batch, counter):
        """This replica's share of the whole batch's random features."""
        examples, own = self._shares(batch)
        seed = tf.random.fold_in([self.seed, _NO_REPLICA], tf.cast(counter, tf.int32))
        return {name: x[own] for name, x in self.random_features(examples, seed).items()}

    def _shares(self, batch) -> tuple[tf.Tensor, slice]:
        """The number of examples of all replicas together, and which of them are this one's."""
        local = tf.shape(batch[self.feature_keys[0]])[0]
        start = tf.distribute.get_replica_context().replica_id_in_sync_group * local
        return local * _replicas(), slice(start, start + local)

    def _track(self, terms):
        for name in self.measures:
            self.trackers[name].update_state(terms[name])
        return {name: tracker.result() for name, tracker in self.trackers.items()}


def _replicas() -> int:
    return tf.distribute.get_strategy().num_replicas_in_sync
