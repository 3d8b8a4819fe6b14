from contextlib import nullcontext

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.config import LapganConfig
from t2i_tf.errors import UserError
from t2i_tf.models import ConditionalLAPGAN, build_model
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
    "text_units": 4,
    "base_units": 6,
    "base_noise": 2,
    "filters": 3,
    "discriminator_filters": 4,
    "dropout": 0.5,
    "label_smoothing": 0.1,
}


def config(**changes):
    return LapganConfig(**(SIZES | changes))


def exact_model(**changes):
    return with_random_weights(ConditionalLAPGAN(**SIZES, **changes, stages=2, dtype="float64"))


@pytest.fixture(scope="module")
def model():
    return with_random_weights(build_model(config()))


@pytest.mark.parametrize("mismatched", [False, True])
def test_the_losses_match_the_equations(mismatched):
    exact = exact_model(mismatched_captions=mismatched, fidelity=2.0)
    data, z = batch(), noise(exact)
    terms = exact.terms(data, tf.constant(z))
    z = np.split(reference.uniform_from_normals(z[0]), np.cumsum(exact.noise_sizes)[:-1], axis=-1)
    for b in range(3):
        sentence = data["sentence"][b].numpy().astype(np.float64)
        levels = [data["image"][b].numpy() / 255.0]
        for _ in range(2):
            levels.insert(0, reference.down(levels[0]))
        losses = np.zeros(3)  # of generator and discriminator, and distances
        for k, real in enumerate(levels):
            drawn = network(exact.generators[k])
            judge = network(exact.discriminators[k])
            if k:
                coarse = reference.up(levels[k - 1])
                fake = coarse + reference.residual_generator(drawn, coarse, z[k][b], sentence)
                discriminator = reference.conv_discriminator
            else:
                fake = reference.dense_generator(drawn, z[0][b], sentence, real.shape)
                discriminator = reference.dense_discriminator
            shown = [(real, sentence), (fake, sentence)]
            if mismatched and k == 0:
                shown.append((real, data["sentence"][b - 1].numpy().astype(np.float64)))
            logits = [discriminator(judge, *pair) for pair in shown]
            name = exact.level_names[k]
            assert terms[f"real_judged_right_{name}"][b] == (logits[0] > 0)
            assert terms[f"fake_judged_right_{name}"][b] == (logits[1] < 0)
            losses += (
                reference.generator_loss(logits[1]),
                reference.discriminator_loss(*logits, smoothing=0.1),
                np.abs(fake - real).mean() if k else 0,
            )
        np.testing.assert_allclose(terms["generator_loss"][b], losses[0], rtol=1e-10)
        np.testing.assert_allclose(terms["discriminator_loss"][b], losses[1], rtol=1e-10)
        np.testing.assert_allclose(terms["distance"][b], losses[2], rtol=1e-10)
        objective = losses[0] + 2 * losses[2]
        np.testing.assert_allclose(terms["generator_objective"][b], objective, rtol=1e-10)


def test_a_drawing_matches_the_equations():
    exact = exact_model()
    sentences, z = batch()["sentence"].numpy().astype(np.float64), noise(exact)
    drawing = exact.generate(tf.constant(sentences), tf.constant(z))
    z = np.split(reference.uniform_from_normals(z[0]), np.cumsum(exact.noise_sizes)[:-1], axis=-1)
    networks = [network(generator) for generator in exact.generators]
    clipped = 0
    for b, sentence in enumerate(sentences):
        picture = reference.dense_generator(networks[0], z[0][b], sentence, (2, 2, 3))
        levels = [picture]
        for k in (1, 2):
            coarse = reference.up(picture)
            picture = coarse + reference.residual_generator(networks[k], coarse, z[k][b], sentence)
            clipped += (picture != picture.clip(0, 1)).sum()
            picture = picture.clip(0, 1)
            levels.append(picture)
        canvases = [reference.up(reference.up(levels[0])), reference.up(levels[1]), levels[2]]
        np.testing.assert_allclose(drawing.canvases[b], canvases, atol=1e-12)
        np.testing.assert_array_equal(drawing.image[b], drawing.canvases[b, -1])
    assert clipped
    assert drawing.alignment.shape == (3, 3, 0)
    np.testing.assert_array_equal(drawing.windows, np.tile([0, 0, 7, 7], (3, 3, 1)))


def test_each_objective_updates_its_own_weights_alone(model):
    assert_objectives_are_independent(model, model.generators, model.discriminators)


def test_every_weight_learns(model):
    for path, gradient in gradients(model, size=8).items():
        assert np.abs(gradient).max() > 0, path


def test_dropout_needs_a_seed(model):
    data, z = batch(), tf.constant(noise(model), tf.float32)
    first, again = (model.terms(data, z)["discriminator_loss"] for _ in range(2))
    one, two, other = (
        model.terms(data, z, tf.constant(s))["discriminator_loss"] for s in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).max() > 0 and np.abs(one - first).max() > 0


def test_a_caption_with_a_seed_is_one_picture_alone_or_in_a_batch(model):
    captions = batch()["sentence"]
    together = model.generate(captions, model.noise([5, 6, 7])).canvases
    alone = model.generate(captions[1:2], model.noise([6])).canvases
    np.testing.assert_allclose(together[1:2], alone, atol=3e-5)  # a convolution sums by batch size
    other = model.generate(captions[1:2], model.noise([8])).canvases
    assert np.abs(other - alone).max() > 1e-4


def test_the_caption_matters_at_every_level(model):
    captions, z = batch()["sentence"], model.noise([4, 4])
    one, two = model.generate(captions[:2], z).canvases.numpy()
    assert (np.abs(one - two).max(axis=(1, 2, 3)) > 1e-4).all()


@pytest.mark.parametrize(
    "side, channels, stages, base", [(60, 1, 2, 15), (32, 3, 2, 8), (6, 3, 0, 6)]
)
def test_sizes(side, channels, stages, base):
    model = build_model(config(height=side, width=side, channels=channels, stages=stages))
    data = batch(2, side, channels)
    drawing = model.generate(data["sentence"], model.noise([1, 2]))
    assert drawing.canvases.shape == (2, stages + 1, side, side, channels)
    assert model.generators[0].shape == (base, base, channels)
    terms = model.terms(data, model.noise([1, 2]))
    assert all(terms[name].shape == (2,) for name in model.measures)


def test_a_size_that_cannot_be_halved_is_refused():
    with pytest.raises(UserError, match="multiples of 4; got 30 x 8"):
        build_model(config(height=30))


@pytest.mark.slow
@pytest.mark.parametrize("mixed_precision", [False, True])
def test_fit_trains_and_evaluates(mixed_precision):
    sizes = config(stages=1, mismatched_captions=True)  # few layers: XLA compiles for long
    model = build_model(sizes, mixed_precision=mixed_precision)
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=not mixed_precision)
    dataset = tf.data.Dataset.from_tensors(batch(4)).repeat(3)
    before = [weight.numpy() for weight in model.trainable_variables]
    with eagerly() if mixed_precision else nullcontext():
        model.fit(dataset, validation_data=dataset, verbose=0)
    for weight, old in zip(model.trainable_variables, before, strict=True):
        assert weight.dtype == "float32" and np.isfinite(weight.numpy()).all()
        assert (weight.numpy() != old).any(), weight.path
    preview = model.preview(batch())
    assert preview.pictures.shape == (3, 1, 8, 8, 3) and preview.canvases.shape == (3, 2, 8, 8, 3)


def test_weights_have_names_of_their_own_and_a_seed():
    one, two, other = (build_model(config(), seed=seed) for seed in (1, 1, 2))
    paths = [weight.path for weight in one.weights]
    assert len(set(paths)) == len(paths) and paths == [weight.path for weight in two.weights]
    assert "generator_4x4/conv_1/kernel" in paths and "discriminator_2x2/head/bias" in paths
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))
