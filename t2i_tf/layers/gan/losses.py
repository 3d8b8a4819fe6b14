"""Adversarial losses of a generator and a discriminator (Goodfellow et al. 2014).

The discriminator outputs a logit of "real"; losses are cross entropies in nats, one number per
image. If it cannot separate real from fake, its loss is 2 log 2 = 1.39 and the generator's is
log 2 = 0.69.
"""

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

Discriminator = Callable[[tf.Tensor, tf.Tensor, tf.Tensor | None], tf.Tensor]


def discriminator_loss(
    real_logits: tf.Tensor, false_logits: Sequence[tf.Tensor], label_smoothing: float = 0.0
) -> tf.Tensor:
    """The discriminator's cross entropy, [B].

        -(1 - s) log D(real) - s log(1 - D(real)) - mean over the kinds of log(1 - D(false))

    Args:
        real_logits: [B].
        false_logits: [B] for each kind of examples to reject, such as fake images.
        label_smoothing: s, one-sided (Salimans et al. 2016): the target of the rejected stays 0.
    """
    real = (1.0 - label_smoothing) * tf.nn.softplus(-real_logits)
    false = tf.add_n([tf.nn.softplus(logits) for logits in false_logits]) / len(false_logits)
    return real + label_smoothing * tf.nn.softplus(real_logits) + false


def generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """-log D(fake), [B]: non-saturating, with a strong gradient where the generator is weak."""
    return tf.nn.softplus(-fake_logits)


def gan_losses(
    discriminator: Discriminator,
    real: tf.Tensor,
    fake: tf.Tensor,
    sentence: tf.Tensor,
    seed: tf.Tensor | None,
    label_smoothing: float,
    wrong_sentence: tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
    """Losses of both networks on real and generated images of the same captions.

    Args:
        discriminator: images, sentences and a seed to logits [B].
        real: [B, H, W, C].
        fake: [B, H, W, C].
        sentence: [B, D].
        seed: int32 [2], seed of the dropout, or None.
        label_smoothing: see `discriminator_loss`.
        wrong_sentence: [B, D], captions of other images, with which real images are to be rejected
            too (Reed et al. 2016), so that the discriminator heeds the caption; None for none.

    Returns:
        `generator_loss` and `discriminator_loss`; `real_judged_right` and `fake_judged_right`, 1 or
        0; `distance`, the mean |fake - real|; all [B].
    """
    examples = [(real, sentence), (fake, sentence)]
    if wrong_sentence is not None:
        examples.append((real, wrong_sentence))
    images, sentences = (tf.concat(tensors, axis=0) for tensors in zip(*examples, strict=True))
    logits = tf.split(discriminator(images, sentences, seed), len(examples))
    real_logits, fake_logits = logits[:2]
    return {
        "generator_loss": generator_loss(fake_logits),
        "discriminator_loss": discriminator_loss(real_logits, logits[1:], label_smoothing),
        "real_judged_right": tf.cast(real_logits > 0, real_logits.dtype),
        "fake_judged_right": tf.cast(fake_logits < 0, fake_logits.dtype),
        "distance": tf.reduce_mean(tf.abs(fake - real), axis=[1, 2, 3]),
    }


def uniform_from_normals(normals: tf.Tensor) -> tf.Tensor:
    """Standard normals to uniform numbers in (-1, 1): 2 Phi(z) - 1 = erf(z / sqrt 2)."""
    return tf.math.erf(normals / math.sqrt(2.0))
