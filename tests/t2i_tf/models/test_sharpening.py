from contextlib import nullcontext

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.config import SharpeningConfig
from t2i_tf.errors import UserError
from t2i_tf.models import SharpeningGAN, build_model
from tests.eager import eagerly
from tests.reference import adversarial as reference
from tests.t2i_tf.adversarial_models import (
    SENTENCE_UNITS,
    assert_objectives_are_independent,
    batch,
    gradients,
    network,
    noise,
    with_random_weights,
)

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

SIZES = {
    "height": 8,
    "width": 8,
    "channels": 3,
    "sentence_units": SENTENCE_UNITS,
    "filters": 3,
    "discriminator_filters": 4,
    "dropout": 0.5,
    "label_smoothing": 0.1,
    "fidelity": 2.0,
}


def config(**changes):
    return SharpeningConfig(**(SIZES | changes))


def exact_model(**changes):
    return with_random_weights(SharpeningGAN(**(SIZES | changes), dtype="float64"))


@pytest.fixture(scope="module")
def model():
    return with_random_weights(build_model(config()))


def picture(size=2, side=8, channels=3):
    return np.random.default_rng(5).random((size, side, side, channels)).astype(np.float32)


@pytest.mark.parametrize("pairs", ["coarse", "reconstructions", "both"])
def test_the_losses_match_the_equations(pairs):
    model = exact_model(pairs=pairs)
    data = batch()
    z = noise(model)
    terms = model.terms({name: data[name] for name in model.feature_keys}, tf.constant(z))
    drawn, judge, z = (
        network(model.generator),
        network(model.discriminator),
        reference.uniform_from_normals(z),
    )
    for b in range(3):
        sentence = data["sentence"][b].numpy().astype(np.float64)
        real = data["image"][b].numpy() / 255.0
        if pairs == "coarse" or (pairs == "both" and b % 2 == 0):
            blurry = reference.up(reference.down(real))
        else:
            blurry = data["reconstruction"][b].numpy() / 255.0
        fake = blurry + reference.residual_generator(drawn, blurry, z[0, b], sentence)
        logits = [reference.conv_discriminator(judge, x, sentence) for x in (real, fake)]
        expected = {
            "generator_loss": reference.generator_loss(logits[1]),
            "discriminator_loss": reference.discriminator_loss(*logits, smoothing=0.1),
            "distance": np.abs(fake - real).mean(),
            "real_judged_right": logits[0] > 0,
            "fake_judged_right": logits[1] < 0,
        }
        expected["generator_objective"] = expected["generator_loss"] + 2 * expected["distance"]
        for name, value in expected.items():
            np.testing.assert_allclose(terms[name][b], value, rtol=1e-10, err_msg=name)


def test_sharpening_matches_the_equations_without_noise_and_clips():
    model = exact_model()
    blurry, sentences = picture().astype(np.float64), batch(2)["sentence"].numpy().astype(float)
    sharpened = model.sharpen(tf.constant(blurry), tf.constant(sentences))
    for b, sentence in enumerate(sentences):
        edges = reference.residual_generator(
            network(model.generator), blurry[b], np.zeros(64), sentence
        )
        expected = blurry[b] + edges
        assert expected.min() < 0 and expected.max() > 1
        np.testing.assert_allclose(sharpened[b], expected.clip(0, 1), atol=1e-12)


def test_fresh_weights_add_nothing():
    blurry = picture()
    np.testing.assert_array_equal(
        build_model(config()).sharpen(blurry, batch(2)["sentence"]), blurry
    )


def test_without_fidelity_the_objective_is_the_adversarial_loss():
    terms = exact_model(fidelity=0.0).terms(batch(), tf.zeros([1, 3, 64], tf.float64))
    np.testing.assert_array_equal(terms["generator_objective"], terms["generator_loss"])


def test_each_objective_updates_its_own_weights_alone(model):
    assert_objectives_are_independent(model, [model.generator], [model.discriminator])


def test_every_weight_learns(model):
    for path, gradient in gradients(model, size=8).items():
        assert np.abs(gradient).max() > 0, path


def test_a_sum_out_of_range_still_teaches_the_generator():
    """Nothing is clipped in training, where the gradient of a clip would be zero."""
    model = build_model(config())
    model.generator.convolutions[-1].bias.assign([3.0, 3.0, 3.0])
    found = gradients(model)
    assert np.abs(found["generator/conv_3/bias"]).min() > 0


def test_a_picture_is_sharpened_alone_as_in_a_batch_and_always_the_same(model):
    blurry, sentence = picture(3), batch()["sentence"]
    together = model.sharpen(blurry, sentence)
    np.testing.assert_array_equal(together, model.sharpen(blurry, sentence))
    alone = model.sharpen(blurry[1:2], sentence[1:2])
    np.testing.assert_allclose(together[1:2], alone, atol=3e-5)  # a convolution sums by batch size
    other = model.sharpen(blurry[1:2], sentence[:1])
    assert np.abs(other - together[1:2]).max() > 1e-4


def test_dropout_needs_a_seed(model):
    data, z = batch(), tf.constant(noise(model), tf.float32)
    first, again = (model.terms(data, z)["discriminator_loss"] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(model.terms(data, z, tf.constant([1, 2]))["discriminator_loss"] - first).max() > 0


def test_columns_are_those_that_the_pairs_need():
    assert build_model(config()).feature_keys == ("image", "sentence")
    for pairs in ("reconstructions", "both"):
        feature_keys = build_model(config(pairs=pairs)).feature_keys
        assert feature_keys == ("image", "sentence", "reconstruction")


@pytest.mark.parametrize("side, channels", [(32, 3), (60, 1), (2, 3)])
def test_sizes(side, channels):
    model = build_model(config(height=side, width=side, channels=channels))
    sharpened = model.sharpen(picture(2, side, channels), batch(2)["sentence"])
    assert sharpened.shape == (2, side, side, channels)
    assert sharpened.numpy().min() >= 0 and sharpened.numpy().max() <= 1
    terms = model.terms(batch(2, side, channels), tf.zeros([1, 2, side**2]))
    assert all(terms[name].shape == (2,) for name in model.measures)


def test_an_odd_size_has_no_coarse_pictures_but_may_have_reconstructions():
    with pytest.raises(UserError, match="multiples of 2; got 7 x 8"):
        build_model(config(height=7))
    model = build_model(config(height=7, width=7, pairs="reconstructions"))
    terms = model.terms(batch(2, 7), tf.zeros([1, 2, 49]))
    assert np.isfinite(terms["discriminator_loss"]).all()


@pytest.mark.parametrize("pairs", ["coarse", "reconstructions"])
def test_a_preview_shows_blurry_sharpened_and_real(pairs):
    model, data = build_model(config(pairs=pairs)), batch()
    preview = model.preview(data)
    real = data["image"].numpy() / 255
    blurry = [reference.up(reference.down(x)) for x in real]
    blurry = blurry if pairs == "coarse" else data["reconstruction"].numpy() / 255
    sharpened = model.sharpen(np.float32(blurry), data["sentence"])
    expected = np.stack([blurry, sharpened, real], axis=1)
    np.testing.assert_allclose(preview.pictures, expected, atol=1e-6)
    np.testing.assert_array_equal(preview.canvases, preview.pictures[:, :2])
    assert preview.alignment.shape == (3, 2, 0)


@pytest.mark.parametrize("mixed_precision", [False, True])
def test_fit_trains_and_evaluates(mixed_precision):
    model = build_model(config(pairs="both"), mixed_precision=mixed_precision)
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    dataset = tf.data.Dataset.from_tensors(batch(4)).repeat(3)
    with eagerly() if mixed_precision else nullcontext():
        logs = model.fit(dataset, validation_data=dataset, verbose=0).history
    assert set(model.headline) < set(logs) and "val_distance" in logs
    for weight in model.trainable_variables:
        assert weight.dtype == "float32" and np.isfinite(weight.numpy()).all()
