"""What every model offers to the trainer, and the one training step of all of them."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

Batch = Mapping[str, tf.Tensor]
Terms = Mapping[str, tf.Tensor]


class Preview(NamedTuple):
    """What a model makes of a batch, to be looked at."""

    pictures: tf.Tensor  # float32 [B, K, H, W, C] in [0, 1], a row of K for each example
    token_ids: tf.Tensor  # int32 [B, N], the captions under the rows
    canvases: tf.Tensor  # float32 [B, T, H, W, C] in [0, 1], how the first of a row came about
    alignment: tf.Tensor  # float32 [B, T, N], attention over the words; N = 0 where there is none


class TrainableModel(keras.Model):
    """A model that `fit` trains by the gradients of one loss, or of several that play a game.

    A subclass names its `feature_keys`, its `measures` and, where it needs noise, its
    `noise_shape`, and gives `terms`. With `compile(jit_compile=True)` XLA compiles the terms with
    their gradients, and the optimizer apart from them: it stays outside XLA where replicas exchange
    gradients, so that the same step runs under any distribution strategy.

    One optimizer moves all weights at once: each has moments of its own, and the gradient of its
    player's loss.
    """

    title: str = ""
    """The system's name, as the paper has it."""
    feature_keys: tuple[str, ...] = ("image", "token_ids")
    """What it reads of a batch."""
    measures: tuple[str, ...] = ("loss",)
    """The terms that are averaged and reported. `loss`, where there is one, tells how good the
    model is: the checkpoint with the lowest on the validation split is the best one."""
    headline: tuple[str, ...] = ("loss",)
    """The measures that a line on the screen has room for."""
    unit = "nats"
    """Of the measures in the headline."""
    noise_shape: tuple[int, int] = (0, 0)
    """T, Z: the standard normals that an example needs."""

    def __init__(self, *, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.trackers = {
            name: keras.metrics.Mean(name=name) for name in (*self.measures, "gradient_norm")
        }

    @abstractmethod
    def terms(self, batch: Batch, noise: tf.Tensor, seed: tf.Tensor | None = None) -> Terms:
        """The losses of the players and all `measures`, each [B].

        Terms called `..._per_step` are [T, B].

        Args:
            batch: the `feature_keys`: `image` is uint8 [B, H, W, C], `token_ids` int32 [B, N].
            noise: [T, B, Z], standard normal.
            seed: int32 [2] in training, for dropout and the like; None in evaluation.
        """

    @property
    def objectives(self) -> Mapping[str, Sequence[keras.Variable]]:
        """The term that each player lowers, with its weights; together all trainable weights."""
        return {"loss": self.trainable_variables}

    def preview(self, batch: Batch) -> Preview | None:
        """Something to look at, or nothing."""
        return None

    def compile(self, optimizer="rmsprop", jit_compile="auto", **kwargs):
        """As of `keras.Model`; "auto" means XLA."""
        super().compile(optimizer=optimizer, jit_compile=False, **kwargs)
        xla = True if jit_compile == "auto" else jit_compile
        self._compiled_gradients = tf.function(self._terms_and_gradients, jit_compile=xla)
        self._compiled_terms = tf.function(self.terms, jit_compile=xla)
        self._compiled_update = (
            tf.function(self._update, jit_compile=xla) if _replicas() == 1 else self._update_mirrors
        )

    @property
    def metrics(self):  # noqa: D102
        return list(self.trackers.values())

    def train_step(self, batch):  # noqa: D102
        batch = self._read(batch)
        counter = self.optimizer.iterations.value
        noise = self._batch_noise(batch, stream=0, counter=counter)
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        seed = tf.random.fold_in([self.seed, replica], tf.cast(counter, tf.int32))
        terms, gradients = self._compiled_gradients(batch, noise, seed)
        self.trackers["gradient_norm"].update_state(self._compiled_update(gradients))
        return self._track(terms)

    def test_step(self, batch):  # noqa: D102
        batch = self._read(batch)
        counter = self.trackers[self.measures[0]].count.value
        noise = self._batch_noise(batch, stream=1, counter=counter)
        return self._track(self._compiled_terms(batch, noise))

    def _read(self, batch: Batch) -> dict[str, tf.Tensor]:
        return {name: batch[name] for name in self.feature_keys}

    def _terms_and_gradients(self, batch, noise, seed):
        with tf.GradientTape(persistent=True) as tape:
            terms = self.terms(batch, noise, seed)
            losses = {name: tf.reduce_mean(terms[name]) / _replicas() for name in self.objectives}
        gradients = {}
        for name, variables in self.objectives.items():
            found = tape.gradient(losses[name], [variable.value for variable in variables])
            gradients |= {v.path: g for v, g in zip(variables, found, strict=True)}
        ordered = [gradients[variable.path] for variable in self.trainable_variables]
        return terms, [tf.convert_to_tensor(gradient) for gradient in ordered]

    def _update(self, gradients):
        self.optimizer.apply(gradients, self.trainable_variables)
        return tf.linalg.global_norm(gradients)

    def _update_mirrors(self, gradients):
        """`_update` with the gradients of all replicas.

        Keras clips each replica's gradients and then sums them. Here they are summed first, and
        handed over by the first replica alone, so that clipping sees what it would see on one
        device.
        """
        context = tf.distribute.get_replica_context()
        gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        share = tf.cast(context.replica_id_in_sync_group == 0, gradients[0].dtype)
        self.optimizer.apply([share * gradient for gradient in gradients], self.trainable_variables)
        return tf.linalg.global_norm(gradients)

    def _batch_noise(self, batch, stream, counter):
        """This replica's columns of the whole batch's noise: a function of seed and counter."""
        steps, units = self.noise_shape
        local = tf.shape(batch[self.feature_keys[0]])[0]
        seed = tf.stack([2 * self.seed + stream, tf.cast(counter, tf.int32)])
        noise = tf.random.stateless_normal(
            [steps, local * _replicas(), units], seed, dtype=self.variable_dtype
        )
        start = tf.distribute.get_replica_context().replica_id_in_sync_group * local
        return noise[:, start : start + local]

    def _track(self, terms):
        for name in self.measures:
            self.trackers[name].update_state(terms[name])
        return {name: tracker.result() for name, tracker in self.trackers.items()}


def _replicas() -> int:
    return tf.distribute.get_strategy().num_replicas_in_sync
