import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.models import build_model
from t2i_tf.presets import preset
from tests.eager import eagerly
from tests.reference import draw as reference
from tests.t2i_tf import tiny
from tests.t2i_tf.central_differences import assert_gradients_match

pytestmark = pytest.mark.usefixtures("graphs_as_traced")


@pytest.fixture(scope="module")
def exact():
    return tiny.exact_model()


@pytest.fixture(scope="module")
def model():
    """float32, as built from a config, compiled with XLA."""
    return compiled(build_model(tiny.CONFIG))


@pytest.fixture(scope="module")
def plain():
    """The same without XLA."""
    return compiled(build_model(tiny.CONFIG), jit_compile=False)


def compiled(model, **kwargs):
    model.compile(keras.optimizers.SGD(1e-2, momentum=0.9, clipnorm=10.0), **kwargs)
    return model


def fit(model, steps):
    dataset = tf.data.Dataset.from_tensors(tiny.batch(4)).repeat()
    return model.fit(dataset, steps_per_epoch=steps, shuffle=False, verbose=0).history


AUTHORS = {"window": "authors", "caption_reader": "authors", "learned_canvas": True}


@pytest.mark.parametrize(
    "conditioning, channels, switches",
    [
        ("align", 3, {}),
        ("align", 1, {}),
        ("average", 3, {}),
        ("align", 3, AUTHORS),
        ("align", 1, {**AUTHORS, "read_size": 3, "write_size": 4}),
        ("average", 3, {"window": "authors"}),
    ],
    ids=str,
)
def test_the_bound_matches_the_equations(conditioning, channels, switches):
    model = tiny.exact_model(conditioning, channels, **switches)
    batch = tiny.batch(channels=channels)
    terms = model.bound_terms(batch["image"], batch["token_ids"], tiny.noise())
    w = tiny.reference_weights(model)
    for b, (image, token_ids) in enumerate(zip(*batch.values(), strict=True)):
        nll, kls = reference.bound(w, image / 255.0, token_ids, tiny.noise()[:, b])
        np.testing.assert_allclose(terms["reconstruction_nll"][b], nll, rtol=1e-10)
        np.testing.assert_allclose(terms["kl_per_step"][:, b], kls, rtol=1e-10)


@pytest.mark.parametrize("switches", [{}, AUTHORS, {"window": "authors", "write_size": 4}], ids=str)
def test_a_drawing_matches_the_equations(switches):
    exact = tiny.exact_model(**switches)
    drawing = exact.generate(tiny.CAPTIONS, tiny.noise())
    w, shape = tiny.reference_weights(exact), tiny.batch()["image"].shape[1:]
    for b, token_ids in enumerate(tiny.CAPTIONS):
        canvases, steps = reference.generate(w, token_ids, tiny.noise()[:, b], shape)
        np.testing.assert_allclose(drawing.canvases[b], canvases, atol=1e-10)
        np.testing.assert_array_equal(drawing.image[b], drawing.canvases[b, -1])
        for t, step in enumerate(steps):
            words = len(step.alignment)
            np.testing.assert_allclose(drawing.alignment[b, t, :words], step.alignment, atol=1e-10)
            np.testing.assert_allclose(drawing.windows[b, t], step.window, atol=1e-10)


def test_gradients_of_the_bound_match_central_differences(exact):
    batch, noise = tiny.batch(), tf.constant(tiny.noise())

    @tf.function(autograph=False)
    def loss():
        terms = exact.bound_terms(batch["image"], batch["token_ids"], noise)
        return tf.reduce_sum(terms["reconstruction_nll"]) + tf.reduce_sum(terms["kl_per_step"])

    assert_gradients_match(exact.trainable_variables, loss, abs=1e-6, at_random=1)


def test_padding_changes_neither_the_bound_nor_the_drawing(exact):
    image, token_ids = (array[1:2] for array in tiny.batch().values())
    noise, words = tiny.noise(1), token_ids[:, :2]
    assert not token_ids[0, 2:].any()
    padded, unpadded = (exact.bound_terms(image, ids, noise) for ids in (token_ids, words))
    for name, term in unpadded.items():
        np.testing.assert_allclose(padded[name], term, rtol=1e-12)
    padded, unpadded = (exact.generate(ids, noise) for ids in (token_ids, words))
    np.testing.assert_allclose(padded.canvases, unpadded.canvases, atol=1e-12)
    np.testing.assert_allclose(padded.alignment[..., :2], unpadded.alignment, atol=1e-12)


def test_noalign_reads_the_same_context_at_every_step():
    alignment = tiny.exact_model("average").generate(tiny.CAPTIONS, tiny.noise()).alignment.numpy()
    assert (alignment == alignment[:, :1]).all()


def test_align_attends_anew_at_every_step(exact):
    alignment = exact.generate(tiny.CAPTIONS, tiny.noise()).alignment.numpy()
    assert np.abs(np.diff(alignment[0], axis=0)).max(-1).min() > 1e-4


@pytest.mark.slow  # that of the VAE is quick
def test_xla_changes_nothing(model, plain):
    logs = fit(model, 3)
    with eagerly():
        plain_logs = fit(plain, 3)
    for name, values in logs.items():
        np.testing.assert_allclose(values, plain_logs[name], rtol=1e-4, err_msg=name)
    for weight, plain_weight in zip(model.weights, plain.weights, strict=True):
        np.testing.assert_allclose(weight, plain_weight, atol=1e-5, err_msg=weight.path)


def test_a_seed_is_one_picture_alone_or_in_a_batch(model):
    together = model.generate(tiny.CAPTIONS, model.noise([5, 6, 7])).canvases
    alone = model.generate(tiny.CAPTIONS[1:2], model.noise([6])).canvases
    np.testing.assert_allclose(together[1:2], alone, atol=1e-6)
    other = model.generate(tiny.CAPTIONS[1:2], model.noise([8])).canvases
    assert np.abs(other - alone).max() > 1e-4


def test_temperature_scales_the_noise_and_zero_draws_the_mean(model):
    seeds = [1, 2, 3]
    noise = model.noise(seeds)
    np.testing.assert_allclose(noise[:, 2] * 0.5, model.noise(seeds, [0.0, 1.0, 0.5])[:, 2])
    assert not model.noise(seeds, 0.0).numpy().any()
    captions = np.repeat(tiny.CAPTIONS[:1], 2, axis=0)
    one, two = model.generate(captions, model.noise([1, 2], 0.0)).image
    np.testing.assert_allclose(one, two, atol=1e-6)


@pytest.mark.slow
def test_fit_in_plain_keras_lowers_the_loss(plain):
    before, after = fit(plain, 5), fit(plain, 60)
    assert after["loss"][0] < before["loss"][0] - 1
    assert np.isfinite([values[0] for values in after.values()]).all()


def test_evaluate_gives_the_bound_and_its_parts(plain):
    dataset = tf.data.Dataset.from_tensors(tiny.batch(4))
    with eagerly():
        scores = plain.evaluate(dataset, return_dict=True, verbose=0)
    assert scores["loss"] == pytest.approx(scores["reconstruction_nll"] + scores["kl"], rel=1e-5)
    assert 0 < scores["above_floor"] < scores["loss"]


@pytest.mark.parametrize("conditioning", ["align", "average"])
def test_mixed_precision_gives_nearly_the_same_terms_in_float32(conditioning):
    batch, noise = tiny.batch(), tf.constant(tiny.noise(), tf.float32)
    half, whole = (
        build_model(tiny.config(conditioning=conditioning), mixed_precision=mixed).bound_terms(
            batch["image"], batch["token_ids"], noise
        )
        for mixed in (True, False)
    )
    for name, term in half.items():
        assert term.dtype == tf.float32
        np.testing.assert_allclose(term, whole[name], rtol=0.02, atol=0.02)


def test_mixed_precision_trains_and_keeps_weights_in_float32():
    half = compiled(build_model(tiny.CONFIG, mixed_precision=True), jit_compile=False)
    with eagerly():
        fit(half, 2)
    for weight in half.weights:
        assert weight.dtype == "float32"
        assert np.isfinite(weight.numpy()).all()


def test_a_seed_fixes_the_weights():
    one, two, other = (build_model(tiny.CONFIG, seed=seed).get_weights() for seed in (1, 1, 2))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("name, published", [("coco", 33_098_147), ("mnist", 2_371_746)])
def test_presets_have_the_weights_of_the_paper_but_for_the_embedding(name, published):
    config = preset(f"align-draw-{name}").config.model
    units, width = config.caption_units, config.embedding_units
    direct = 2 * config.vocabulary_size * 4 * units  # the authors' one-hot words into the gates
    embedded = config.vocabulary_size * width + 2 * width * 4 * units
    assert build_model(config).count_params() == pytest.approx(
        published - direct + embedded, rel=2e-3
    )


@pytest.mark.slow  # a process with two devices, and graphs for both
@pytest.mark.parametrize("model", ["vae", "draw"])
def test_two_replicas_train_as_one(model):
    script = Path(__file__).parent / "two_replicas.py"
    root = Path(__file__).parents[3]
    run = subprocess.run([sys.executable, script, model], cwd=root, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    "conditioning, channels, sums",
    [
        ("align", 3, (547.0087063330096, 353.9546651943265, 7.7654618061855585)),
        ("average", 1, (180.5298378500474, 118.17936174413143, 1.9408873220225258)),
    ],
)
def test_the_switches_of_the_authors_leave_the_default_as_it_was(conditioning, channels, sums):
    """Sums over canvases, likelihood and KL, as computed before there were switches."""
    model, batch = tiny.exact_model(conditioning, channels), tiny.batch(channels=channels)
    noise = model.noise(range(3))
    terms = model.bound_terms(batch["image"], batch["token_ids"], noise)
    canvases = model.generate(batch["token_ids"], noise).canvases
    found = canvases, terms["reconstruction_nll"], terms["kl_per_step"]
    np.testing.assert_allclose([np.sum(one) for one in found], sums, rtol=1e-13)
    names = {weight.path for weight in build_model(tiny.CONFIG).weights}
    assert not [name for name in names if "empty_canvas" in name or "pair" in name]


@pytest.mark.slow  # XLA compiles a loop of its own
def test_the_switches_of_the_authors_train_every_weight():
    config = tiny.config(window="authors", caption_reader="authors", learned_canvas=True)
    model = compiled(build_model(config))
    before = [weight.numpy() for weight in model.trainable_variables]
    logs = fit(model, 2)
    assert np.isfinite(logs["loss"]).all()
    for old, weight in zip(before, model.trainable_variables, strict=True):
        assert np.abs(old - weight.numpy()).max() > 0, weight.path
