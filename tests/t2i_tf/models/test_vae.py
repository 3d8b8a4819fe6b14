from dataclasses import asdict, replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.config import VaeConfig
from t2i_tf.models import ConvDeconvVAE, FullyConnectedVAE, build_model
from tests.eager import eagerly
from tests.reference import vae as reference
from tests.t2i_tf.central_differences import assert_gradients_match

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

CONFIG = VaeConfig(
    height=6,
    width=9,
    channels=3,
    sentence_units=5,
    text_units=4,
    hidden_units=7,
    filters=2,
    latent_units=3,
)
KINDS = {"fully-connected": FullyConnectedVAE, "convolutional": ConvDeconvVAE}


def config(kind="fully-connected", **changes):
    return replace(CONFIG, kind=kind, **changes)


def exact_model(kind="fully-connected", scale=0.4, likelihood=None):
    """A float64 model in which every weight, biases too, is far from zero."""
    sizes = asdict(CONFIG)
    for name in ("kind", "likelihood", "components"):
        del sizes[name]
    del sizes["filters" if kind == "fully-connected" else "hidden_units"]
    model = KINDS[kind](**sizes, likelihood=likelihood, dtype="float64")
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(scale * rng.standard_normal(weight.shape))
    return model


def batch(size=3, shape=(6, 9, 3)):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (size, *shape), np.uint8)
    return {"image": image, "sentence": rng.standard_normal((size, 5))}


def noise(size=3):
    return tf.constant(np.random.default_rng(2).standard_normal((1, size, 3)))


def reference_weights(model):
    return reference.Weights(
        text=arrays(model.text),
        encoder=[arrays(layer) for layer in model.encoder],
        posterior=arrays(model.posterior_head),
        decoder=[arrays(layer) for layer in model.decoder],
        raw_log_sigma=model.raw_log_sigma.numpy() if hasattr(model, "raw_log_sigma") else None,
    )


def arrays(layer):
    return tuple(layer.get_weights())


def compiled(model, learning_rate=1e-2, **kwargs):
    model.compile(keras.optimizers.Adam(learning_rate), **kwargs)
    return model


def fit(model, steps, shape=(6, 9, 3)):
    dataset = tf.data.Dataset.from_tensors(batch(4, shape)).repeat()
    return model.fit(dataset, steps_per_epoch=steps, shuffle=False, verbose=0).history


def test_the_bound_matches_the_equations():
    model, data = exact_model(), batch()
    terms = model.terms(data, noise())
    bound, bernoulli = (f(*data.values(), noise()) for f in (model.bound, model.bernoulli_bound))
    w = reference_weights(model)
    for b, (image, sentence) in enumerate(zip(*data.values(), strict=True)):
        nll, kl, bernoulli_nll = reference.bound(w, image / 255, sentence, noise()[0, b].numpy())
        np.testing.assert_allclose(terms["reconstruction_nll"][b], nll, rtol=1e-10)
        np.testing.assert_allclose(terms["kl_per_step"][:, b], [kl], rtol=1e-10)
        np.testing.assert_allclose(terms["bernoulli_nll"][b], bernoulli_nll, rtol=1e-10)
        np.testing.assert_allclose(bound[b], -nll - kl, rtol=1e-10)
        np.testing.assert_allclose(bernoulli[b], -bernoulli_nll - kl, rtol=1e-10)


def test_a_drawing_and_a_reconstruction_match_the_equations():
    model, data = exact_model(), batch()
    drawing = model.generate(data["sentence"], noise())
    reconstruction = model.reconstruct(*data.values(), noise())
    w = reference_weights(model)
    for b, (image, sentence) in enumerate(zip(*data.values(), strict=True)):
        text, eps = reference.read(w, sentence), noise()[0, b].numpy()
        drawn = reference.draw(w, eps, text, image.shape)
        np.testing.assert_allclose(drawing.image[b], drawn, atol=1e-10)
        mean, scale = reference.posterior(w, image / 255, text)
        drawn = reference.draw(w, mean + scale * eps, text, image.shape)
        np.testing.assert_allclose(reconstruction[b], drawn, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_the_bound_match_central_differences(kind):
    model, data = exact_model(kind), batch()

    @tf.function(autograph=False)
    def loss():
        return tf.reduce_sum(model.terms(data, noise())["loss"])

    assert "raw_log_sigma" in {weight.name for weight in model.trainable_variables}
    assert_gradients_match(model.trainable_variables, loss)


def test_the_scale_stays_above_one_grey_level_and_can_rise_again():
    model, data = exact_model(), batch()
    model.raw_log_sigma.assign(-30.0)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model.terms(data, noise())["loss"])
    assert np.isfinite(loss) and tape.gradient(loss, model.raw_log_sigma.value) < 0
    assert float(tf.exp(model.log_sigma())) == pytest.approx(1 / 255)


def test_sure_and_wrong_pixels_cost_no_more_than_the_margin_allows():
    model, data = exact_model(scale=0.0), batch()
    model.decoder[-1].bias.assign(np.full(6 * 9 * 3, -1e3))
    data["image"][:] = 255
    nll = model.terms(data, noise())["bernoulli_nll"]
    np.testing.assert_allclose(nll, 6 * 9 * 3 * np.log(510), rtol=1e-12)


def test_the_bernoulli_convention_is_that_of_draw():
    model, data = build_model(CONFIG), batch()
    terms = model.terms(data, model.noise([1, 2, 3]))
    assert (terms["entropy"] == 0).numpy().all() and (terms["bernoulli_entropy"] > 0).numpy().all()
    np.testing.assert_allclose(terms["above_floor"], terms["loss"])
    np.testing.assert_allclose(
        terms["bernoulli_above_floor"],
        terms["bernoulli_nll"] + terms["kl"] - terms["bernoulli_entropy"],
        rtol=1e-5,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(6, 9, 3), (32, 32, 3), (60, 60, 1), (5, 3, 1)])
def test_a_drawing_has_the_pictures_size_and_one_step(kind, shape):
    height, width, channels = shape
    model = build_model(config(kind, height=height, width=width, channels=channels))
    drawing = model.generate(batch()["sentence"], model.noise([1, 2, 3]))
    assert drawing.image.shape == (3, *shape) and drawing.canvases.shape == (3, 1, *shape)
    assert drawing.alignment.shape == (3, 1, 0)
    np.testing.assert_array_equal(
        drawing.windows, np.full((3, 1, 4), [0, 0, height - 1, width - 1])
    )
    assert drawing.image.dtype == tf.float32
    assert drawing.image.numpy().min() >= 0 and drawing.image.numpy().max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_and_a_caption_are_one_picture_alone_or_in_a_batch(kind):
    model, sentence = build_model(config(kind)), batch()["sentence"]
    together = model.generate(sentence, model.noise([5, 6, 7])).image
    alone = model.generate(sentence[1:2], model.noise([6])).image
    np.testing.assert_allclose(together[1:2], alone, atol=1e-6)
    for others in (
        model.generate(sentence[1:2], model.noise([8])).image,
        model.generate(sentence[2:3], model.noise([6])).image,
    ):
        assert np.abs(others - alone).max() > 1e-4


def test_the_length_of_the_vector_does_not_matter():
    model, sentence = build_model(CONFIG), batch()["sentence"]
    one, other = (model.generate(s, model.noise([1, 2, 3])).image for s in (sentence, sentence / 9))
    np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_fit_lowers_the_loss_and_learns_the_scale(kind):
    model = compiled(build_model(config(kind)), jit_compile=False)
    start = float(model.log_sigma())
    before, after = fit(model, 5), fit(model, 60)
    assert after["loss"][0] < before["loss"][0] - 1
    assert after["bernoulli_loss"][0] < before["bernoulli_loss"][0] - 1
    assert np.isfinite([values[0] for values in after.values()]).all()
    assert abs(float(model.log_sigma()) - start) > 0.1


@pytest.mark.slow
def test_xla_changes_nothing():
    model = config("convolutional")  # it has all that the fully-connected one has
    one, other = (compiled(build_model(model), 1e-3, jit_compile=xla) for xla in (True, False))
    logs = fit(one, 3)
    with eagerly():
        plain_logs = fit(other, 3)
    for name, values in logs.items():
        np.testing.assert_allclose(values, plain_logs[name], rtol=1e-4, err_msg=name)
    for weight, plain_weight in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(weight, plain_weight, atol=1e-5, err_msg=weight.path)


@pytest.mark.parametrize("kind", KINDS)
def test_mixed_precision_gives_nearly_the_same_terms_in_float32(kind):
    data = batch()
    half, whole = (build_model(config(kind), mixed_precision=mixed) for mixed in (True, False))
    eps = whole.noise([1, 2, 3])
    expected = whole.terms(data, eps)
    for name, term in half.terms(data, eps).items():
        assert term.dtype == tf.float32
        np.testing.assert_allclose(term, expected[name], rtol=0.02, atol=0.05, err_msg=name)
    with eagerly():
        fit(compiled(half, jit_compile=False), 2)
    for weight in half.weights:
        assert weight.dtype == "float32" and np.isfinite(weight.numpy()).all()


@pytest.mark.parametrize("kind", KINDS)
def test_paths_of_weights_are_unique_and_a_seed_fixes_the_weights(kind):
    one, two, other = (build_model(config(kind), seed=seed) for seed in (1, 1, 2))
    assert isinstance(one, KINDS[kind])
    assert len({weight.path for weight in one.weights}) == len(one.weights)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))
