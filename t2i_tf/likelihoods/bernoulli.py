"""The paper's likelihood: Bernoulli, on real-valued pixels."""

import tensorflow as tf

from t2i_tf import losses


class Bernoulli:
    """Bernoulli with the canvas as logits, on pixels in [0, 1] (paper, section 3.3)."""

    measures = ()
    headline = ("above_floor", "kl")
    is_discrete = False

    def image(self, canvas: tf.Tensor) -> tf.Tensor:
        """The mean: what a canvas shows, in [0, 1]."""
        return tf.sigmoid(canvas)

    def terms(self, image: tf.Tensor, canvas: tf.Tensor) -> dict[str, tf.Tensor]:
        """Likelihood terms of `BoundMaximizer.likelihood_and_latents`.

        Args:
            image: [B, H, W, C] in [0, 1].
            canvas: logits, [B, H, W, C].
        """
        return {
            "reconstruction_nll": losses.bernoulli_nll(image, canvas),
            "entropy": losses.bernoulli_entropy(image),
        }
