"""Guided drawings, of every system that can be guided."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.errors import UserError
from t2i_tf.models import build_model
from t2i_tf.presets import preset
from tests.reference import draw as reference
from tests.reference import vae as vae_reference
from tests.t2i_tf import tiny
from tests.t2i_tf.models import test_vae

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

GUIDED = (
    "align-draw",
    "noalign-draw",
    "conv-draw",
    "skip-thought-draw",
    "fully-connected-vae",
    "conv-deconv-vae",
)
WEIGHTS = np.array([0.0, 0.7, 3.0])


def build(system, caption_dropout=0.1):
    config = preset(f"{system}-tiny").config.model
    sizes = {"height": 8, "width": 8}
    if getattr(config, "sentence_units", 0):
        sizes["sentence_units"] = 5
    return build_model(config.__class__(**(vars(config) | sizes)), caption_dropout=caption_dropout)


def captions(model):
    rng = np.random.default_rng(0)
    if model.reads == "sentence":
        return tf.constant(rng.standard_normal((3, 5)), tf.float32)
    return tf.constant(np.pad(rng.integers(2, 100, (3, 4), np.int32), [[0, 0], [0, 2]]))


@pytest.mark.parametrize("conditioning", ["align", "average"])
@pytest.mark.parametrize("instead_of", [None, tiny.CAPTIONS[::-1, :4]])
def test_a_guided_drawing_matches_the_equations(conditioning, instead_of):
    exact = tiny.exact_model(conditioning, caption_dropout=0.1)
    drawing = exact.generate(tiny.CAPTIONS, tiny.noise(), tf.constant(WEIGHTS), instead_of)
    w, shape = tiny.reference_weights(exact), tiny.batch()["image"].shape[1:]
    empty = [tiny.CONFIG.vocabulary_size]
    for b, (token_ids, weight) in enumerate(zip(tiny.CAPTIONS, WEIGHTS, strict=True)):
        other = empty if instead_of is None else instead_of[b]
        canvases, steps = reference.generate_guided(
            w, token_ids, np.array(other), tiny.noise()[:, b], weight, shape
        )
        np.testing.assert_allclose(drawing.canvases[b], canvases, atol=1e-10)
        np.testing.assert_array_equal(drawing.image[b], drawing.canvases[b, -1])
        for t, step in enumerate(steps):
            words = len(step.alignment)
            np.testing.assert_allclose(drawing.alignment[b, t, :words], step.alignment, atol=1e-10)
            np.testing.assert_allclose(drawing.windows[b, t], step.window, atol=1e-10)


def test_a_guided_drawing_of_the_vae_matches_the_equations():
    model, data, noise = test_vae.exact_model(), test_vae.batch(), test_vae.noise()
    other = data["sentence"][::-1]
    drawing = model.generate(data["sentence"], noise, tf.constant(WEIGHTS), other)
    w = test_vae.reference_weights(model)
    for b, weight in enumerate(WEIGHTS):
        given, away = (
            logit(vae_reference.draw(w, noise[0, b], vae_reference.read(w, text), (6, 9, 3)))
            for text in (data["sentence"][b], other[b])
        )
        expected = vae_reference.sigmoid(reference.extrapolated(given, away, weight))
        np.testing.assert_allclose(drawing.image[b], expected, atol=1e-10)


def logit(p):
    return np.log(p / (1 - p))


@pytest.mark.parametrize("system", GUIDED)
def test_without_weight_the_drawing_is_the_plain_one_bit_for_bit(system):
    model = build(system)
    caption, noise = captions(model), model.noise([1, 2, 3])
    plain = model.generate(caption, noise)
    for drawing in (model.generate(caption, noise, 0), model.generate(caption, noise, tf.zeros(3))):
        for found, expected in zip(drawing, plain, strict=True):
            np.testing.assert_array_equal(found, expected)
    guided = model.generate(caption, noise, 1.5)
    assert np.abs(guided.image - plain.image).max() > 1e-4
    away = model.generate(caption, noise, 1.5, caption[::-1])
    assert np.abs(away.image - guided.image)[::2].max() > 1e-4
    np.testing.assert_allclose(away.image[1], plain.image[1], atol=1e-5)  # from itself


@pytest.mark.slow
@pytest.mark.parametrize("system", ["align-draw", "fully-connected-vae"])
def test_a_guided_drawing_is_the_same_alone_and_with_xla(system):
    model = build(system)
    caption, noise = captions(model), model.noise([1, 2, 3])
    weights = tf.constant(WEIGHTS, tf.float32)
    together = model.generate(caption, noise, weights).image
    alone = model.generate(caption[2:], noise[:, 2:], weights[2:]).image
    np.testing.assert_allclose(together[2:], alone, atol=1e-5)
    compiled = tf.function(model.generate, jit_compile=True)(caption, noise, weights).image
    np.testing.assert_allclose(compiled, together, atol=1e-5)


@pytest.mark.parametrize("system", ["align-draw", "fully-connected-vae"])
def test_a_model_without_an_empty_caption_needs_another(system):
    model = build(system, caption_dropout=0.0)
    caption, noise = captions(model), model.noise([1, 2, 3])
    with pytest.raises(UserError, match=r"without --caption-dropout.*--instead-of"):
        model.generate(caption, noise, 1.0)
    assert np.isfinite(model.generate(caption, noise, 1.0, caption[::-1]).image).all()


def test_the_lapgan_cannot_be_guided():
    model = build("lapgan")
    with pytest.raises(UserError, match="LAPGAN cannot be guided"):
        model.generate(captions(model), model.noise([1, 2, 3]), 1.0)


@pytest.fixture(scope="module")
def reds_and_blues():
    """A VAE that has learnt two captions, each with pictures of one colour or nearly so."""
    model = build("fully-connected-vae", caption_dropout=0.3)
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 2, 64)
    image = coloured(kinds) + rng.normal(0, 25, (64, 8, 8, 3))
    batch = {"image": np.clip(image, 0, 255).astype(np.uint8), "sentence": sentences(kinds)}
    data = tf.data.Dataset.from_tensors(batch).repeat()
    model.fit(data, steps_per_epoch=250, shuffle=False, verbose=0)
    return model


def sentences(kinds):
    return np.random.default_rng(5).standard_normal((2, 5)).astype(np.float32)[kinds]


def coloured(kinds):
    """Red for 0, blue for 1, neither of them full."""
    colours = np.array([[150.0, 110, 110], [110, 110, 150]])
    return np.broadcast_to(colours[kinds][:, None, None], (len(kinds), 8, 8, 3))


def redness(model, guidance, instead_of=None):
    drawn = model.generate(sentences([0] * 8), model.noise(range(8)), guidance, instead_of).image
    red, _, blue = tf.unstack(tf.reduce_mean(drawn, [0, 1, 2]))
    return float(red - blue)


def test_guidance_shows_more_of_the_caption(reds_and_blues):
    plain, half, whole = (redness(reds_and_blues, w) for w in (0.0, 0.5, 1.0))
    assert 0.1 < plain < half - 0.02 < whole - 0.04
    assert redness(reds_and_blues, 1.0, sentences([1] * 8)) > whole + 0.02  # blue is further away


def test_an_image_gains_by_its_own_caption_alone(reds_and_blues):
    model, kinds = reds_and_blues, np.array([0, 0, 1, 1])
    images = coloured(kinds).astype(np.uint8)
    noise = model.noise([0] * 4)
    assert min(model.gain(images, sentences(kinds), noise)) > 1
    assert max(model.gain(images, sentences(1 - kinds), noise)) < -1
