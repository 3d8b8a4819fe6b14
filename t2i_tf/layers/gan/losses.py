"""The game of two players: a generator draws, a discriminator tells drawn pictures from real ones.

Goodfellow et al. 2014. The discriminator gives a logit for "real"; losses are cross entropies, one
number per picture, in nats. The discriminator that knows nothing loses 2 log 2 = 1.39, and then the
generator loses log 2 = 0.69.
"""

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

Discriminator = Callable[[tf.Tensor, tf.Tensor, tf.Tensor | None], tf.Tensor]


def discriminator_loss(
    real_logits: tf.Tensor, false_logits: Sequence[tf.Tensor], label_smoothing: float = 0.0
) -> tf.Tensor:
    """Logits [B] of real pictures, and of each kind of false ones, to the loss [B].

    -(1 - s) log D(real) - s log(1 - D(real)) - mean over the kinds of log(1 - D(false))

    Args:
        label_smoothing: s; one-sided (Salimans et al. 2016), false pictures keep the target 0.
    """
    real = (1.0 - label_smoothing) * tf.nn.softplus(-real_logits)
    false = tf.add_n([tf.nn.softplus(logits) for logits in false_logits]) / len(false_logits)
    return real + label_smoothing * tf.nn.softplus(real_logits) + false


def generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """-log D(fake), [B]: non-saturating, its gradient is strong where the generator is weak."""
    return tf.nn.softplus(-fake_logits)


def gan_losses(
    discriminator: Discriminator,
    real: tf.Tensor,
    fake: tf.Tensor,
    sentence: tf.Tensor,
    seed: tf.Tensor | None,
    label_smoothing: float,
    mismatched_captions: bool = False,
) -> dict[str, tf.Tensor]:
    """Show real and drawn pictures of the same captions to the discriminator.

    Args:
        discriminator: pictures, sentences and a seed to logits [B].
        real: [B, H, W, C].
        fake: [B, H, W, C].
        sentence: [B, D].
        seed: int32 [2] for dropout, or None.
        label_smoothing: see `discriminator_loss`.
        mismatched_captions: count real pictures with the caption of their neighbour in the batch as
            false too (Reed et al. 2016), which teaches the discriminator to read.

    Returns:
        `generator_loss` and `discriminator_loss`; `real_judged_right` and `fake_judged_right`, 1 or
        0; `distance`, the mean |fake - real|; all [B].
    """
    shown = [(real, sentence), (fake, sentence)]
    if mismatched_captions:
        shown.append((real, tf.roll(sentence, 1, axis=0)))
    pictures, sentences = (tf.concat(tensors, axis=0) for tensors in zip(*shown, strict=True))
    logits = tf.split(discriminator(pictures, sentences, seed), len(shown))
    real_logits, fake_logits = logits[:2]
    return {
        "generator_loss": generator_loss(fake_logits),
        "discriminator_loss": discriminator_loss(real_logits, logits[1:], label_smoothing),
        "real_judged_right": tf.cast(real_logits > 0, real_logits.dtype),
        "fake_judged_right": tf.cast(fake_logits < 0, fake_logits.dtype),
        "distance": tf.reduce_mean(tf.abs(fake - real), axis=[1, 2, 3]),
    }


def uniform_from_normals(normals: tf.Tensor) -> tf.Tensor:
    """U(-1, 1) of standard normals: 2 Phi(z) - 1 = erf(z / sqrt 2)."""
    return tf.math.erf(normals / math.sqrt(2.0))
