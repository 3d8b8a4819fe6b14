"""Diagonal Gaussians from a layer's outputs, as TensorFlow Probability distributions."""

from typing import NamedTuple

import tensorflow as tf


class Gaussian(NamedTuple):
    """Mean and log standard deviation of independent normals, both [..., Z]."""

    mean: tf.Tensor
    log_sigma: tf.Tensor

    def distribution(self):
        """The distribution, with event shape [Z] and the leading dimensions as batch shape."""
        import tensorflow_probability as tfp  # a second, which drawing does not need

        normal = tfp.distributions.Normal(self.mean, tf.exp(self.log_sigma))
        return tfp.distributions.Independent(normal, reinterpreted_batch_ndims=1)

    def sample(self, noise: tf.Tensor) -> tf.Tensor:
        """A reparameterised sample from standard normal `noise` [..., Z]."""
        return self.mean + tf.exp(self.log_sigma) * noise
