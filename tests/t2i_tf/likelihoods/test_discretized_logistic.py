import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from t2i_tf import losses
from t2i_tf.likelihoods.discretized_logistic import (
    MINIMUM_SCALE,
    DiscretizedLogistic,
    log_mass,
)
from tests.reference import discretized_logistic as reference
from tests.t2i_tf.central_differences import assert_gradients_match

VALUES = np.arange(256.0)


def likelihood(channels=3, components=2, dtype="float64"):
    """Weights far from where they begin."""
    made = DiscretizedLogistic(channels, components, dtype)
    rng = np.random.default_rng(0)
    for weight in made.weights:
        weight.assign(weight + 0.5 * rng.standard_normal(weight.shape))
    return made


def pixels(channels=3, size=(2, 3, 4)):
    """Pixels with both ends among them, and a canvas whose locations lie inside and outside."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (*size, channels)).astype(np.float64)
    x[0, 0], x[0, 1] = 0.0, 255.0
    return x, 2 * rng.standard_normal(x.shape)


def quantized(location, scale):
    """TFP's version of the mass; it rounds up, so that the location is half a level lower."""
    logistic = tfp.distributions.Logistic(tf.constant(location - 0.5, tf.float64), scale)
    return tfp.distributions.QuantizedDistribution(logistic, low=0.0, high=255.0)


@pytest.mark.parametrize("location", [-40.0, 0.0, 3.25, 127.5, 254.75, 255.0, 300.0])
@pytest.mark.parametrize("scale", [0.25, 2.0, 25.0, 400.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log_mass_is_that_of_tfp_and_sums_to_one(location, scale, dtype):
    x, at, s = (tf.constant(value, dtype) for value in (VALUES, location, scale))
    found = log_mass(x, x - at, s).numpy()
    assert np.exp(np.float64(found)).sum() == pytest.approx(1, abs=1e-5)
    expected = quantized(location, scale).log_prob(VALUES).numpy()
    exact = expected > -30  # further out, TFP's difference of nearly equal numbers is rounding
    assert exact.any()
    np.testing.assert_allclose(found[exact], expected[exact], atol=1e-5, rtol=1e-6)


@pytest.mark.parametrize("scale", [MINIMUM_SCALE, 1.0, 1e4])
def test_value_and_gradients_are_finite_however_far_the_location_is(scale):
    location, scale = tf.Variable([-1e6, -300.0, 0.0, 255.0, 600.0, 1e6]), tf.Variable(scale)
    x = tf.constant(VALUES[:, None], tf.float32)
    with tf.GradientTape() as tape:
        log_p = log_mass(x, x - location, scale)
    assert np.isfinite(log_p).all() and (log_p.numpy() <= 1e-6).all()
    assert all(np.isfinite(g).all() for g in tape.gradient(log_p, [location, scale]))


def test_far_away_a_grey_level_costs_the_inverse_of_the_scale():
    x = tf.constant([100.0, 101.0], tf.float64)
    near, far = log_mass(x, x + 5000.0, tf.constant(2.0, tf.float64)).numpy()
    assert near - far == pytest.approx(1 / 2, rel=1e-6)


@pytest.mark.parametrize("channels, components", [(1, 1), (1, 3), (3, 1), (3, 4)])
def test_log_prob_matches_the_equations(channels, components):
    made, (x, canvas) = likelihood(channels, components), pixels(channels)
    weights = tf.nn.softmax(made.mixture_logits.value).numpy()
    found = made.log_prob(tf.constant(x), tf.constant(canvas)).numpy()
    for place in np.ndindex(*x.shape[:-1]):
        expected = reference.pixel(
            x[place], canvas[place], made.scales().numpy(), weights, made.coefficients.numpy()
        )
        assert found[place] == pytest.approx(np.log(expected), rel=1e-6), place


def test_the_probabilities_of_all_colours_sum_to_one():
    """Of two channels, which have 65,536 colours."""
    made, canvas = likelihood(channels=2, components=3), tf.constant([0.4, 1.7], tf.float64)
    colours = np.stack(np.meshgrid(VALUES, VALUES), -1)[None]
    total = np.exp(made.log_prob(tf.constant(colours), canvas)).sum()
    assert total == pytest.approx(1, abs=1e-9)


def test_gradients_match_central_differences():
    made, (x, canvas) = likelihood(), pixels()
    canvas = keras.Variable(canvas, dtype="float64")

    def loss():
        return -tf.reduce_sum(made.log_prob(tf.constant(x), canvas.value))

    weights = [canvas, *made.trainable_variables]
    assert_gradients_match(weights, loss, rel=1e-5, abs=1e-6, at_random=8)


def test_xla_changes_nothing():
    made, (x, canvas) = likelihood(dtype="float32"), np.float32(pixels())
    compiled = tf.function(made.log_prob, jit_compile=True)
    np.testing.assert_allclose(compiled(x, canvas), made.log_prob(x, canvas), rtol=1e-4)


def test_the_terms_are_those_of_whole_pictures():
    made, (x, canvas) = likelihood(dtype="float32"), pixels()
    image = tf.constant(x / 255, tf.float32)
    terms = made.terms(image, tf.constant(canvas, tf.float32))
    expected = -likelihood().log_prob(tf.constant(x), tf.constant(canvas)).numpy().sum((1, 2))
    np.testing.assert_allclose(terms["reconstruction_nll"], expected, rtol=1e-5)
    assert (terms["entropy"].numpy() == 0).all()
    probability = np.clip(reference.location(canvas) / 255, 1 / 510, 509 / 510)
    bernoulli = -(x / 255 * np.log(probability) + (1 - x / 255) * np.log(1 - probability))
    np.testing.assert_allclose(terms["bernoulli_nll"], bernoulli.sum((1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(terms["bernoulli_entropy"], losses.bernoulli_entropy(image))
    bits = losses.bits_per_dim(terms["reconstruction_nll"], x.shape[1:])
    np.testing.assert_allclose(bits, expected / (36 * np.log(2)), rtol=1e-5)


def test_a_canvas_shows_the_location_from_black_to_white():
    canvas = np.array([-10.0, -3.0, 0.0, 1.0, 3.0, 9.0])
    image = likelihood().image(tf.constant(canvas)).numpy()
    np.testing.assert_allclose(image, np.clip(reference.location(canvas) / 255, 0, 1))
    assert image[0] == 0 and image[2] == 0.5 and image[-1] == 1


def test_a_black_canvas_has_a_gradient_towards_white():
    canvas, white = tf.Variable(tf.fill([1, 1, 1, 1], -10.0)), tf.fill([1, 1, 1, 1], 255.0)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_sum(DiscretizedLogistic(1, 3).log_prob(white, canvas))
    assert tape.gradient(loss, canvas).numpy().item() < -0.1


def test_one_component_starts_at_the_middle_of_the_scales():
    np.testing.assert_allclose(DiscretizedLogistic(3, 1).scales(), np.sqrt(6 * 48) + 0.1, rtol=1e-6)
    scales = DiscretizedLogistic(1, 3).scales().numpy()[:, 0] - MINIMUM_SCALE
    np.testing.assert_allclose(scales[1:] / scales[:-1], 2, rtol=1e-5)  # 48 / 6 = 2^3


def test_fitting_finds_scales_and_the_correlation_of_channels():
    rng = np.random.default_rng(4)
    red, green = rng.logistic(0, 9, (2, 1, 64, 64))
    x = np.stack([127.5 + red, 127.5 + 0.8 * red + green / 3], -1).round().clip(0, 255)
    x, canvas = tf.constant(x, tf.float32), tf.zeros(x.shape)
    made = DiscretizedLogistic(2, 1)
    optimizer = keras.optimizers.Adam(0.1)
    variables = made.trainable_variables

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(made.log_prob(x, canvas))
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)

    optimizer.build(variables)
    for _ in range(100):
        step()
    np.testing.assert_allclose(made.scales()[0], [9, 3], rtol=0.05)
    assert float(made.coefficients[0, 0]) == pytest.approx(0.8, abs=0.02)
