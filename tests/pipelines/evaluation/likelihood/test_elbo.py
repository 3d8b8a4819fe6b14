import numpy as np
import pytest
import tensorflow as tf
from msgspec import UNSET

from pipelines.data.prepared.split_reader import CaptionedImages
from pipelines.evaluation.likelihood.elbo import importance_weighted, measure_bounds
from pipelines.evaluation.likelihood.scorer import EPSILON, Scorer
from pipelines.sampling.sharpener import Sharpener
from t2i_tf.errors import UserError
from tests.pipelines.evaluation import evaluated

pytestmark = pytest.mark.usefixtures("graphs_as_traced")


@pytest.fixture(scope="module")
def draw():
    return evaluated.system("align-draw", scale=0.4)


@pytest.fixture(scope="module")
def vae():
    return evaluated.system("fully-connected-vae", scale=0.4, latent_units=1)


def test_by_hand():
    weights = np.log([[1.0, 3.0], [2.0, 2.0]]) - 5000.0  # so small that exp of one would be 0
    np.testing.assert_allclose(importance_weighted(weights), np.log([2.0, 2.0]) - 5000.0)
    np.testing.assert_allclose(importance_weighted(weights[:, :1]), weights[:, 0])


def test_the_importance_weighted_bound_finds_the_likelihood(vae):
    """With one latent, p(x | y) is an integral that a sum over a fine grid gives."""
    model, (images, captions) = vae.model, evaluated.captioned(3)
    scorer = Scorer(vae, batch=64)
    read = scorer.read(captions)
    z = np.linspace(-9, 9, 3601, dtype=np.float32)
    for k in range(3):
        text = tf.repeat(model._read_text(read[k : k + 1]), len(z), axis=0)
        logits = tf.clip_by_value(model.draw(z[:, None], text), -np.log(509.0), np.log(509.0))
        x = np.float64(images[k] / 255.0)
        logits = np.float64(logits)
        log_p = (x * logits - np.logaddexp(0, logits)).sum((1, 2, 3))
        prior = -(np.float64(z) ** 2) / 2 - np.log(2 * np.pi) / 2 + np.log(z[1] - z[0])
        exact = np.logaddexp.reduce(log_p + prior)
        one = images[k : k + 1], read[k : k + 1]
        found = importance_weighted(scorer.log_weights(*one, 4000, 0, "x")["bernoulli"])[0]
        ordinary = scorer.terms(
            np.repeat(one[0], 500, 0), np.repeat(one[1], 500, 0), np.arange(500), "x"
        )["bound"].mean()
        assert found == pytest.approx(exact, abs=0.3)
        assert ordinary < exact + 0.05


@pytest.mark.parametrize("name", ["draw", "vae"])
def test_weighted_is_no_less_and_the_log_weights_are_bounds_in_the_mean(name, request):
    trained, (images, captions) = request.getfixturevalue(name), evaluated.captioned(4)
    scorer = Scorer(trained, batch=50)
    read = scorer.read(captions)
    log_weights = scorer.log_weights(images, read, 400, 0, "x")["bernoulli"]
    assert (importance_weighted(log_weights) >= log_weights.mean(1)).all()
    rows = np.repeat(np.arange(4), 400)
    terms = scorer.terms(images[rows], read[rows], np.arange(1600), "x")
    # The same noise: they differ by the sampled and the exact KL alone, of equal expectation.
    gap = log_weights.ravel() - terms["bound"]
    assert abs(gap.mean()) < 5 * gap.std() / 40 + 1e-3


def test_any_batch_gives_the_same(draw):
    images, captions = evaluated.captioned(7)
    small, large = (Scorer(draw, batch=batch) for batch in (3, 7))
    read = small.read(captions)
    np.testing.assert_array_equal(read, large.read(captions))
    a, b = (s.terms(images, read, 5 + np.arange(7), "x") for s in (small, large))
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=1e-5)
    alone = draw.model.bound(images[2:3], read[2:3], draw.model.noise([7]))
    np.testing.assert_allclose(a["own_bound"][2], alone[0], rtol=1e-5)


def test_sharpening_changes_the_likelihood_alone(draw):
    sharpener = Sharpener(evaluated.system("sharpening", scale=0.2, filters=3))
    images, captions = evaluated.captioned(5)
    scorer = Scorer(draw, sharpener, batch=4)
    read, seeds = scorer.read(captions), np.arange(5)
    nll = scorer.sharpened_nll(images, read, captions, seeds, "x")
    mean = draw.model.reconstruct(images, read, draw.model.noise(seeds))
    sharp = np.clip(sharpener(mean, evaluated.vectors(tf.constant(captions))), EPSILON, 1 - EPSILON)
    x = images / 255.0
    expected = -(x * np.log(sharp) + (1 - x) * np.log(1 - sharp)).sum((1, 2, 3))
    np.testing.assert_allclose(nll, expected, rtol=1e-5)
    found = measure_bounds(scorer, {"test": CaptionedImages(images, captions, [])}, weighed=2)
    kl = scorer.terms(images, read, seeds, "x")["kl_per_step"].sum(1)
    assert found.test_sharpened.value == pytest.approx(-(expected + kl).mean(), rel=1e-5)


def test_bounds_of_all_splits(draw, vae):
    images, captions = evaluated.captioned(6)
    splits = {"train": CaptionedImages(images[:3], captions[:3], [])}
    splits["test"] = CaptionedImages(images, captions, [])
    found = measure_bounds(Scorer(draw, batch=6), splits, weighed=3)
    assert found.test_sharpened is None and found.own is None and found.bits_per_dim is UNSET
    assert found.test.low < found.test.value < found.test.high < 0
    x = np.clip(images / 255.0, 1e-12, 1 - 1e-12)
    entropy = -(x * np.log(x) + (1 - x) * np.log(1 - x)).sum((1, 2, 3)).mean()
    assert found.test_minus_floor.value == pytest.approx(found.test.value + entropy, 1e-4)
    assert len(found.kl_per_step) == draw.model.noise_shape[0]
    assert found.importance_gain.value >= 0
    vae_bounds = measure_bounds(Scorer(vae, batch=6), splits, weighed=3)
    assert vae_bounds.own["test"].value != vae_bounds.test.value
    assert vae_bounds.bits_per_dim is UNSET
    caption = vae.reader(tf.constant(captions))
    by_hand = vae.model.bernoulli_bound(images, caption, vae.model.noise(np.arange(6)))
    assert vae_bounds.test.value == pytest.approx(np.mean(by_hand), rel=1e-5)


@pytest.mark.parametrize("name", ["align-draw", "conv-deconv-vae"])
def test_a_discrete_likelihood_has_bits(name):
    trained = evaluated.system(name, scale=0.3, likelihood="logistic")
    images, captions = evaluated.captioned(6)
    scorer = Scorer(trained, batch=20)
    found = measure_bounds(scorer, {"test": CaptionedImages(images, captions, [])}, weighed=4)
    bits, nats_of_a_bit = found.bits_per_dim, 8 * 8 * 3 * np.log(2)
    assert bits.test.value == pytest.approx(-found.own["test"].value / nats_of_a_bit)
    both = scorer.log_weights(images[:4], scorer.read(captions[:4]), 50, 0, "x")
    bernoulli = importance_weighted(both["bernoulli"])
    assert found.importance_weighted.value == pytest.approx(bernoulli.mean())
    gain = (bernoulli - both["bernoulli"].mean(1)).mean()
    assert found.importance_gain.value == pytest.approx(gain, abs=1e-9)
    log_weights = both["own"]
    weighted = importance_weighted(log_weights).mean()
    assert bits.importance_weighted.value == pytest.approx(-weighted / nats_of_a_bit)
    gain = (weighted - log_weights.mean()) / nats_of_a_bit
    assert bits.importance_gain.value == pytest.approx(gain, abs=1e-9) and gain > 0
    caption = trained.reader(tf.constant(captions))
    by_hand = trained.model.bernoulli_bound(images, caption, trained.model.noise(np.arange(6)))
    assert found.test.value == pytest.approx(np.mean(by_hand), rel=1e-5)
    assert found.test_minus_floor.value < 0


def test_the_importance_weighted_bits_find_the_likelihood():
    """As for Bernoulli: with one latent, a sum over a fine grid gives the integral."""
    trained = evaluated.system(
        "fully-connected-vae", scale=0.2, latent_units=1, likelihood="logistic"
    )
    model, (images, captions) = trained.model, evaluated.captioned(1)
    scorer = Scorer(trained, batch=64)
    read = scorer.read(captions)
    z = np.linspace(-6, 6, 1201, dtype=np.float32)
    canvas = model.draw(z[:, None], tf.repeat(model._read_text(read), len(z), axis=0))
    pixels = tf.cast(np.repeat(images, len(z), 0), tf.float32)
    log_p = np.float64(model.likelihood.log_prob(pixels, canvas)).sum((1, 2))
    prior = -(np.float64(z) ** 2) / 2 - np.log(2 * np.pi) / 2 + np.log(z[1] - z[0])
    exact = np.logaddexp.reduce(log_p + prior)
    found = importance_weighted(scorer.log_weights(images, read, 6000, 0, "x")["own"])[0]
    assert found == pytest.approx(exact, abs=0.3)


def test_a_system_without_a_bound_is_refused():
    with pytest.raises(UserError, match="LAPGAN has no bound"):
        Scorer(evaluated.system("lapgan"))
