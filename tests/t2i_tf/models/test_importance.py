"""Importance weights of a posterior's sample, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from t2i_tf import losses
from t2i_tf.layers.draw.gaussian import Gaussian
from tests.reference import draw as reference
from tests.t2i_tf import tiny


def log_normal(z, mean, sigma):
    return np.sum(-0.5 * ((z - mean) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi))


def reference_ratios(w, image, token_ids, noise):
    """log q(z_t) - log p(z_t) of every step, at the sample."""
    states, state = reference.encode(w, token_ids), reference.initial_state(w, image.shape)
    ratios = []
    for t, noise_t in enumerate(noise):
        state, output = reference.infer_step(w, image, states, state, noise_t, t)
        z = output.posterior[0] + output.posterior[1] * noise_t
        ratios.append(log_normal(z, *output.posterior) - log_normal(z, *output.prior))
    return np.array(ratios)


@pytest.mark.parametrize("conditioning", ["align", "average"])
def test_the_weights_match_the_equations(conditioning):
    model, batch = tiny.exact_model(conditioning), tiny.batch()
    terms = model.importance_terms(batch["image"], batch["token_ids"], tiny.noise())
    w = tiny.reference_weights(model)
    for b, (image, token_ids) in enumerate(zip(*batch.values(), strict=True)):
        noise = tiny.noise()[:, b]
        nll, _ = reference.bound(w, image / 255.0, token_ids, noise)
        np.testing.assert_allclose(terms["reconstruction_nll"][b], nll, rtol=1e-10)
        ratios = reference_ratios(w, image / 255.0, token_ids, noise)
        np.testing.assert_allclose(terms["log_ratio_per_step"][:, b], ratios, rtol=1e-9)


def test_the_ratio_is_the_kl_in_expectation():
    random = np.random.default_rng(0)
    posterior, prior = (
        Gaussian(*(tf.constant(random.normal(0, 0.5, (2, 1, 3))) for _ in range(2)))
        for _ in range(2)
    )
    ratios = losses.log_ratio_per_step(posterior, prior, random.standard_normal((2, 20_000, 3)))
    kl = losses.kl_per_step(posterior, prior)[:, 0]
    for t in range(2):
        error = np.std(ratios[t]) / np.sqrt(20_000)
        assert abs(np.mean(ratios[t]) - kl[t]) < 4 * error


@pytest.mark.parametrize("conditioning", ["align", "average"])
def test_a_representation_stands_in_for_a_caption_of_one_word(conditioning):
    model, image = tiny.exact_model(conditioning), tiny.batch()["image"]
    words = tiny.CAPTIONS[:, :1]
    noise = tiny.noise()
    np.testing.assert_allclose(
        model.bound(image, model.represent(words), noise),
        model.bound(image, words, noise),
        rtol=1e-12,
    )


def test_noalign_reads_a_representation_as_the_caption():
    """Its decoder is given the average of the words' states, however many there are."""
    model, image, noise = tiny.exact_model("average"), tiny.batch()["image"], tiny.noise()
    np.testing.assert_allclose(
        model.bound(image, model.represent(tiny.CAPTIONS), noise),
        model.bound(image, tf.constant(tiny.CAPTIONS), noise),
        rtol=1e-12,
    )
