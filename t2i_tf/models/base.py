"""What every text-to-image model offers, and the training step of those that maximise a bound."""

from abc import abstractmethod
from typing import NamedTuple

import keras
import tensorflow as tf


class Drawing(NamedTuple):
    """Pictures and how they came about; a model that draws at once has T = 1."""

    image: tf.Tensor  # float32 [B, H, W, C] in [0, 1]
    canvases: tf.Tensor  # float32 [B, T, H, W, C] in [0, 1]; the last is the image
    alignment: tf.Tensor  # float32 [B, T, N], attention over the words
    windows: tf.Tensor  # float32 [B, T, 4]: top, left, bottom, right of the write window, pixels


class TextToImage(keras.Model):
    """The contract: `noise` and `generate`."""

    noise_shape: tuple[int, int]  # T, Z

    def noise(self, seeds: tf.Tensor, temperature: tf.Tensor | float = 1.0) -> tf.Tensor:
        """Normals [T, B, Z], a column of its own for every seed, so that a seed is one picture.

        Args:
            seeds: int [B].
            temperature: standard deviation, [B] or a number; 0 draws the mean at every step.
        """
        steps, units = self.noise_shape
        columns = tf.map_fn(
            lambda seed: tf.random.stateless_normal(
                [steps, units], tf.stack([seed, 0]), dtype=self.variable_dtype
            ),
            tf.cast(seeds, tf.int64),
            fn_output_signature=tf.TensorSpec([steps, units], self.variable_dtype),
        )
        scale = tf.reshape(tf.cast(temperature, self.variable_dtype), [1, -1, 1])
        return tf.transpose(columns, [1, 0, 2]) * scale

    @abstractmethod
    def generate(self, token_ids: tf.Tensor, noise: tf.Tensor) -> Drawing:
        """Draw captions int32 [B, N] from noise [T, B, Z]."""


class BoundMaximizer(TextToImage):
    """A model trained by maximising a lower bound of log p(x | y).

    `fit` wants batches `{"image": uint8 [B, H, W, C], "token_ids": int32 [B, N]}`. With
    `compile(jit_compile=True)` XLA compiles the bound with its gradients, and the optimizer apart
    from them: it stays outside XLA where replicas exchange gradients, so that the same step runs
    under any distribution strategy.
    """

    def __init__(self, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.trackers = {
            name: keras.metrics.Mean(name=name)
            for name in ("loss", "above_floor", "reconstruction_nll", "kl", "gradient_norm")
        }

    @abstractmethod
    def terms(self, image: tf.Tensor, token_ids: tf.Tensor, noise: tf.Tensor) -> dict:
        """Named terms of -bound, nats.

        Args:
            image: uint8 [B, H, W, C].
            token_ids: int32 [B, N].
            noise: [T, B, Z], standard normal.

        Returns:
            `reconstruction_nll` [B], `kl_per_step` [T, B] and `floor` [B], the part of
            `reconstruction_nll` that no model can avoid.
        """

    def compile(self, optimizer="rmsprop", jit_compile="auto", kl_weight=1.0, **kwargs):
        """As of `keras.Model`; "auto" means XLA.

        A `kl_weight` over 1 (the beta of Higgins et al. 2017) makes what the posterior tells about
        the picture dear, so that training takes more from the caption. It weighs the gradient
        alone: every bound that is reported is the bound.
        """
        super().compile(optimizer=optimizer, jit_compile=False, **kwargs)
        self.kl_weight = kl_weight
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
        image, token_ids = batch["image"], batch["token_ids"]
        noise = self._batch_noise(image, stream=0, counter=self.optimizer.iterations.value)
        terms, gradients = self._compiled_gradients(image, token_ids, noise)
        self.trackers["gradient_norm"].update_state(self._compiled_update(gradients))
        return self._track(terms)

    def test_step(self, batch):  # noqa: D102
        image, token_ids = batch["image"], batch["token_ids"]
        noise = self._batch_noise(image, stream=1, counter=self.trackers["loss"].count.value)
        return self._track(self._compiled_terms(image, token_ids, noise))

    def _terms_and_gradients(self, image, token_ids, noise):
        variables = [variable.value for variable in self.trainable_variables]
        with tf.GradientTape() as tape:
            terms = self.terms(image, token_ids, noise)
            loss = tf.reduce_mean(_loss(terms, self.kl_weight)) / _replicas()
        gradients = tape.gradient(loss, variables)
        return terms, [tf.convert_to_tensor(gradient) for gradient in gradients]

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

    def _batch_noise(self, image, stream, counter):
        """This replica's columns of the whole batch's noise: a function of seed and counter."""
        steps, units = self.noise_shape
        local = tf.shape(image)[0]
        seed = tf.stack([2 * self.seed + stream, tf.cast(counter, tf.int32)])
        noise = tf.random.stateless_normal(
            [steps, local * _replicas(), units], seed, dtype=self.variable_dtype
        )
        start = tf.distribute.get_replica_context().replica_id_in_sync_group * local
        return noise[:, start : start + local]

    def _track(self, terms):
        kl = tf.reduce_sum(terms["kl_per_step"], axis=0)
        loss = _loss(terms)
        self.trackers["loss"].update_state(loss)
        self.trackers["above_floor"].update_state(loss - terms["floor"])
        self.trackers["reconstruction_nll"].update_state(terms["reconstruction_nll"])
        self.trackers["kl"].update_state(kl)
        return {name: tracker.result() for name, tracker in self.trackers.items()}


def _loss(terms: dict, kl_weight: float = 1.0) -> tf.Tensor:
    """-bound of each picture, nats; [B]. With another weight of the KL it is no bound."""
    return terms["reconstruction_nll"] + kl_weight * tf.reduce_sum(terms["kl_per_step"], axis=0)


def _replicas() -> int:
    return tf.distribute.get_strategy().num_replicas_in_sync
