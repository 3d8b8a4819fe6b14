"""Tiny adversarial models, their batches, and checks that all of them have to pass."""

import keras
import numpy as np
import tensorflow as tf

RNG = np.random.default_rng(0)
SENTENCE_UNITS = 5


def batch(size=3, side=8, channels=3):
    rng = np.random.default_rng(1)
    image, reconstruction = rng.integers(0, 256, (2, size, side, side, channels), np.uint8)
    sentence = 0.1 * rng.standard_normal((size, SENTENCE_UNITS)).astype(np.float32)
    token_ids = np.zeros((size, 4), np.int32)
    arrays = {
        "image": image,
        "reconstruction": reconstruction,
        "sentence": sentence,
        "token_ids": token_ids,
    }
    return {name: tf.constant(array) for name, array in arrays.items()}


def noise(model, size=3):
    return np.random.default_rng(2).standard_normal((1, size, model.noise_shape[1]))


def with_random_weights(model):
    """Every weight, biases too, far from zero."""
    rng = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(0.3 * rng.standard_normal(weight.shape))
    return model


def pairs(*layers):
    """Kernel and bias of every layer."""
    return [tuple(layer.get_weights()) for layer in layers]


def network(part):
    """The layers of a generator or discriminator, in the order of the reference."""
    if hasattr(part, "convolutions"):
        return pairs(part.sentence_plane.dense, *part.convolutions)
    if hasattr(part, "strided"):
        return pairs(part.sentence_plane.dense, part.fine, part.strided, part.head)
    return pairs(part.text, *part.hidden, part.head)


def gradients(model, size=3):
    """The training step's gradient of every weight, by path."""
    model.compile(keras.optimizers.SGD(), jit_compile=False)
    _, found = model._terms_and_gradients(
        batch(size), tf.constant(noise(model, size), tf.float32), tf.constant([1, 2])
    )
    return {v.path: g.numpy() for v, g in zip(model.trainable_variables, found, strict=True)}


def assert_objectives_are_independent(model, generators, discriminators):
    """Each objective owns all weights of its own network, and updates no others."""
    objectives = {name: {w.path for w in weights} for name, weights in model.objectives.items()}
    of_generator, of_discriminator = objectives.values()
    assert of_generator == {w.path for part in generators for w in part.weights}
    assert of_discriminator == {w.path for part in discriminators for w in part.weights}
    assert of_generator | of_discriminator == {w.path for w in model.trainable_variables}
    assert not of_generator & of_discriminator
    found = gradients(model)
    for name, weights in model.objectives.items():
        with tf.GradientTape() as tape:
            terms = model.terms(batch(), tf.constant(noise(model), tf.float32), tf.constant([1, 2]))
            loss = tf.reduce_mean(terms[name])
        alone = tape.gradient(loss, [weight.value for weight in weights])
        for weight, gradient in zip(weights, alone, strict=True):
            np.testing.assert_allclose(found[weight.path], gradient, atol=1e-6)
