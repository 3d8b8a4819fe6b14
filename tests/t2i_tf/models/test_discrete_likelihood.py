"""Every system with a bound, trained with the mixture of discretized logistics."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2i_tf import losses
from t2i_tf.likelihoods.discretized_logistic import DiscretizedLogistic
from t2i_tf.models import build_model
from t2i_tf.presets import preset
from tests.eager import eagerly
from tests.reference import conv_draw as conv_reference
from tests.reference import discretized_logistic
from tests.reference import draw as reference
from tests.reference import vae as vae_reference
from tests.t2i_tf import tiny, tiny_conv_draw
from tests.t2i_tf.models import test_vae

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

SYSTEMS = (
    "align-draw",
    "noalign-draw",
    "conv-draw",
    "skip-thought-draw",
    "fully-connected-vae",
    "conv-deconv-vae",
)
UNITS = 5  # of a sentence vector


def build(name, likelihood="logistic", mixed_precision=False, channels=3):
    config = preset(f"{name}-tiny").config
    sizes = {"height": 8, "width": 10, "channels": channels, "likelihood": likelihood}
    if config.reads_sentences:
        sizes["sentence_units"] = UNITS
    model = dataclasses.replace(config.model, **sizes)
    return build_model(model, mixed_precision=mixed_precision)


def batch(model, size=4, channels=3):
    rng = np.random.default_rng(1)
    captions = {
        "token_ids": rng.integers(2, 100, (size, 5)).astype(np.int32),
        "sentence": np.float32(rng.standard_normal((size, UNITS))),
    }
    image = rng.integers(0, 256, (size, 8, 10, channels), np.uint8)
    image[0, :4], image[0, 4:] = 0, 255
    return {"image": tf.constant(image), model.reads: tf.constant(captions[model.reads])}


def noise(model, size=4):
    steps, units = model.noise_shape
    return tf.constant(np.random.default_rng(2).standard_normal((steps, size, units)), tf.float32)


def to_image(canvas):
    return np.clip(discretized_logistic.location(canvas) / 255, 0, 1)


def exact_likelihood():
    return DiscretizedLogistic(3, 2, dtype="float64")


def mixture(likelihood):
    """Scales, weights and coefficients, wide enough that no mass is lost in NumPy."""
    likelihood.log_scales.assign_add([[3.0] * 3, [4.0] * 3])
    weights = tf.nn.softmax(likelihood.mixture_logits.value).numpy()
    return likelihood.scales().numpy(), weights, likelihood.coefficients.numpy()


def reference_nll(pixels, canvas, mixture):
    return -sum(
        np.log(discretized_logistic.pixel(np.float64(x), at, *mixture))
        for x, at in zip(pixels.reshape(-1, 3), canvas.reshape(-1, 3), strict=True)
    )


def test_the_bound_and_the_drawing_match_the_equations(monkeypatch):
    """The error image that is read, the likelihood and the canvases have the same location."""
    likelihood = exact_likelihood()
    model, data = tiny.exact_model(likelihood=likelihood), tiny.batch()
    parts = mixture(likelihood)
    terms = model.bound_terms(data["image"], data["token_ids"], tiny.noise())
    drawing = model.generate(data["token_ids"], tiny.noise())
    w = tiny.reference_weights(model)
    monkeypatch.setattr(reference, "sigmoid", to_image)  # of canvases, in this module
    for b, (pixels, token_ids) in enumerate(zip(*data.values(), strict=True)):
        states, state = reference.encode(w, token_ids), reference.initial_state(w, pixels.shape)
        for t, noise_t in enumerate(tiny.noise()[:, b]):
            state, _ = reference.infer_step(w, pixels / 255, states, state, noise_t, t)
        nll = reference_nll(pixels, state.canvas, parts)
        np.testing.assert_allclose(terms["reconstruction_nll"][b], nll, rtol=1e-6)
        canvases, _ = reference.generate(w, token_ids, tiny.noise()[:, b], pixels.shape)
        np.testing.assert_allclose(drawing.canvases[b], canvases, atol=1e-10)


@pytest.mark.parametrize("scales", [1, 2])
def test_those_of_conv_draw_match_the_equations(monkeypatch, scales):
    """What is read, what the decoder sees of its picture, and what a canvas shows."""
    likelihood = exact_likelihood()
    model = tiny_conv_draw.exact_model(likelihood=likelihood, scales=scales)
    data, noise, parts = tiny_conv_draw.batch(), tiny_conv_draw.noise(), mixture(likelihood)
    terms = model.bound_terms(data["image"], data["token_ids"], noise)
    drawing = model.generate(data["token_ids"], noise)
    w = tiny_conv_draw.reference_weights(model)
    monkeypatch.setattr(conv_reference, "image_of", to_image)
    for b, (pixels, token_ids) in enumerate(zip(*data.values(), strict=True)):
        canvas, _ = conv_reference.infer(w, pixels / 255, token_ids, noise[:, b])
        nll = reference_nll(pixels, canvas, parts)
        np.testing.assert_allclose(terms["reconstruction_nll"][b], nll, rtol=1e-6)
        canvases, _ = conv_reference.generate(w, token_ids, noise[:, b], pixels.shape)
        np.testing.assert_allclose(drawing.canvases[b], canvases, atol=1e-10)


def test_those_of_the_vae_match_the_equations(monkeypatch):
    likelihood = exact_likelihood()
    model = test_vae.exact_model(likelihood=likelihood)
    data, noise, parts = test_vae.batch(), test_vae.noise(), mixture(likelihood)
    terms = model.bound_terms(data["image"], data["sentence"], noise)
    drawing = model.generate(data["sentence"], noise)
    w = test_vae.reference_weights(model)
    for b, (pixels, sentence) in enumerate(zip(*data.values(), strict=True)):
        text = vae_reference.read(w, sentence)
        mean, sigma = vae_reference.posterior(w, pixels / 255, text)
        monkeypatch.setattr(vae_reference, "sigmoid", lambda canvas: canvas)
        canvas = vae_reference.draw(w, mean + sigma * noise[0, b].numpy(), text, pixels.shape)
        nll = reference_nll(pixels, canvas, parts)
        np.testing.assert_allclose(terms["reconstruction_nll"][b], nll, rtol=1e-6)
        drawn = to_image(vae_reference.draw(w, noise[0, b].numpy(), text, pixels.shape))
        np.testing.assert_allclose(drawing.image[b], drawn, atol=1e-10)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", SYSTEMS)
def test_the_terms_of_every_system(name, channels):
    model = build(name, channels=channels)
    data = batch(model, channels=channels)
    with tf.GradientTape() as tape:
        terms = model.terms(data, noise(model))
        loss = tf.reduce_mean(terms["objective"])
    values = [variable.value for variable in model.trainable_variables]
    for variable, gradient in zip(values, tape.gradient(loss, values), strict=True):
        assert gradient is not None and np.isfinite(tf.convert_to_tensor(gradient)).all(), variable
    assert all(np.isfinite(terms[measure]).all() for measure in model.measures)
    nats = terms["reconstruction_nll"] + terms["kl"]
    np.testing.assert_allclose(terms["loss"], nats, rtol=1e-6)
    np.testing.assert_array_equal(terms["above_floor"], terms["loss"])  # the floor is 0
    dims = 8 * 10 * channels
    np.testing.assert_allclose(terms["bits_per_dim"], nats / (dims * np.log(2)), rtol=1e-6)
    assert (terms["reconstruction_nll"].numpy() > 0).all()
    excess = terms["bernoulli_nll"] + terms["kl"] - terms["bernoulli_entropy"]
    np.testing.assert_allclose(terms["bernoulli_above_floor"], excess, rtol=1e-6)
    bound = model.bound(data["image"], data[model.reads], noise(model))
    np.testing.assert_allclose(bound, -terms["loss"], rtol=1e-6)
    bernoulli = model.bernoulli_bound(data["image"], data[model.reads], noise(model))
    np.testing.assert_allclose(bernoulli, -terms["bernoulli_loss"], rtol=1e-6)


@pytest.mark.parametrize("name", SYSTEMS)
def test_canvases_and_reconstructions_are_pictures(name):
    model = build(name)
    for weight in model.trainable_variables:
        weight.assign(3 * weight)
    data = batch(model)
    drawing = model.generate(data[model.reads], noise(model))
    again = model.reconstruct(data["image"], data[model.reads], noise(model))
    terms = model.terms(data, noise(model))
    image = tf.cast(data["image"], tf.float32) / 255
    of_again = losses.bernoulli_nll_of_mean(image, again)  # the same picture, by the same sample
    np.testing.assert_allclose(of_again, terms["bernoulli_nll"], rtol=1e-5)
    for pictures in (drawing.canvases, again):
        assert pictures.dtype == tf.float32
        assert 0 <= pictures.numpy().min() < pictures.numpy().max() <= 1
    np.testing.assert_array_equal(drawing.image, drawing.canvases[:, -1])


@pytest.mark.parametrize("name", ["align-draw", "conv-deconv-vae"])
def test_mixed_precision_computes_the_likelihood_in_float32(name):
    exact, mixed = build(name), build(name, mixed_precision=True)
    likelihood = mixed.likelihood
    assert {weight.dtype for weight in likelihood.weights} == {"float32"}
    terms = [model.terms(batch(model), noise(model)) for model in (exact, mixed)]
    assert all(terms[1][measure].dtype == tf.float32 for measure in mixed.measures)
    for measure in ("reconstruction_nll", "bits_per_dim"):
        np.testing.assert_allclose(terms[1][measure], terms[0][measure], rtol=0.02)


def test_training_lowers_the_bits_and_moves_the_likelihood():
    model = build("fully-connected-vae")
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    start = [weight.numpy() for weight in model.likelihood.weights]
    data = tf.data.Dataset.from_tensors(batch(model)).repeat()
    with eagerly():
        history = model.fit(data, steps_per_epoch=8, epochs=2, shuffle=False, verbose=0).history
    assert history["bits_per_dim"][1] < history["bits_per_dim"][0]
    assert set(model.headline) < set(history)
    for weight, before in zip(model.likelihood.weights, start, strict=True):
        assert (weight.numpy() != before).any(), weight.path


def test_the_paper_is_the_default():
    for name in SYSTEMS:
        kind = preset(f"{name}-tiny").config.model
        assert kind.likelihood == ("gaussian" if "vae" in name else "bernoulli")
        model = build(name, kind.likelihood)
        assert not any("likelihood" in variable.path for variable in model.variables)
        assert not model.likelihood.is_discrete and "bits_per_dim" not in model.measures
