import keras
import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.errors import UsageError
from t2i_tf.models import build_model
from t2i_tf.models.conv_draw import shared_out
from tests.eager import eagerly
from tests.reference import conv_draw as reference
from tests.t2i_tf import tiny_conv_draw as tiny
from tests.t2i_tf.central_differences import assert_gradients_match

pytestmark = pytest.mark.usefixtures("graphs_as_traced")


@pytest.fixture(scope="module")
def exact():
    return tiny.exact_model()


@pytest.fixture(scope="module")
def model():
    return build_model(tiny.CONFIG)


@pytest.fixture(scope="module")
def pyramid():
    """A model that draws 7 x 10 pixels as 4 x 5 and 7 x 10, on 2 x 2 and 3 x 4 places."""
    return tiny.exact_model(scales=2)


@pytest.mark.parametrize("channels, size, scales", [(3, 3, 1), (1, 2, 1), (3, 3, 2), (3, 3, 3)])
def test_the_bound_matches_the_equations(channels, size, scales):
    model = tiny.exact_model(channels, size, scales=scales)
    batch = tiny.batch(channels=channels)
    terms = model.bound_terms(batch["image"], batch["token_ids"], tiny.noise())
    w = tiny.reference_weights(model)
    for b, (image, token_ids) in enumerate(zip(*batch.values(), strict=True)):
        nll, kls = reference.bound(w, image / 255.0, token_ids, tiny.noise()[:, b])
        np.testing.assert_allclose(terms["reconstruction_nll"][b], nll, rtol=1e-10)
        np.testing.assert_allclose(terms["kl_per_step"][:, b], kls, rtol=1e-10)


@pytest.mark.parametrize("scales", [1, 2])
def test_a_drawing_matches_the_equations(request, scales):
    exact = request.getfixturevalue("exact" if scales == 1 else "pyramid")
    drawing = exact.generate(tiny.CAPTIONS, tiny.noise())
    w, shape = tiny.reference_weights(exact), tiny.batch()["image"].shape[1:]
    for b, token_ids in enumerate(tiny.CAPTIONS):
        canvases, alignment = reference.generate(w, token_ids, tiny.noise()[:, b], shape)
        np.testing.assert_allclose(drawing.canvases[b], canvases, atol=1e-10)
        words = alignment.shape[-1]
        np.testing.assert_allclose(drawing.alignment[b, :, :words], alignment, atol=1e-10)
        assert not drawing.alignment[b, :, words:].numpy().any()
    np.testing.assert_array_equal(drawing.image, drawing.canvases[:, -1])
    np.testing.assert_array_equal(drawing.windows, np.tile([0, 0, 6, 9], (3, 3, 1)))


@pytest.mark.parametrize("instead_of, scales", [(None, 1), (tiny.CAPTIONS[::-1, :4], 1), (None, 3)])
def test_a_guided_drawing_matches_the_equations(instead_of, scales):
    exact = tiny.exact_model(caption_dropout=0.1, scales=scales)
    weights = np.array([0.0, 0.7, 3.0])
    drawing = exact.generate(tiny.CAPTIONS, tiny.noise(), tf.constant(weights), instead_of)
    w, shape = tiny.reference_weights(exact), tiny.batch()["image"].shape[1:]
    empty = [tiny.CONFIG.vocabulary_size]
    for b, (token_ids, weight) in enumerate(zip(tiny.CAPTIONS, weights, strict=True)):
        other = np.array(empty if instead_of is None else instead_of[b])
        canvases, alignment = reference.generate_guided(
            w, token_ids, other, tiny.noise()[:, b], weight, shape
        )
        np.testing.assert_allclose(drawing.canvases[b], canvases, atol=1e-10)
        words = alignment.shape[-1]
        np.testing.assert_allclose(drawing.alignment[b, :, :words], alignment, atol=1e-10)


@pytest.mark.parametrize("scales", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_gradients_of_the_bound_match_central_differences(request, scales):
    exact = request.getfixturevalue("exact" if scales == 1 else "pyramid")
    batch, noise = tiny.batch(), tf.constant(tiny.noise())

    @tf.function(autograph=False)
    def loss():
        terms = exact.bound_terms(batch["image"], batch["token_ids"], noise)
        return tf.reduce_sum(terms["reconstruction_nll"]) + tf.reduce_sum(terms["kl_per_step"])

    assert_gradients_match(exact.trainable_variables, loss, abs=1e-6, at_random=1)


def test_a_scale_has_the_places_and_steps_that_it_should():
    cell = tiny.exact_model(height=60, width=100, side=4, scales=4).cell
    assert cell.grids == [(2, 4), (4, 7), (8, 13), (15, 25)]
    assert [shared_out(16, scales) for scales in (1, 3, 5)] == [[16], [5, 5, 6], [3, 3, 3, 3, 4]]
    assert shared_out(4, 4) == [1, 1, 1, 1]


@pytest.mark.parametrize("size, most", [((7, 10), 5), ((32, 32), 6), ((1, 1), 1), ((128, 64), 8)])
def test_more_scales_than_a_picture_has_are_refused(size, most):
    """Of 16 scales, the canvas of the first would be enlarged to a hundred thousand pixels."""
    sizes = dict(zip(("height", "width"), size, strict=True)) | {"steps": 16}
    build_model(tiny.config(**sizes, scales=most))
    with pytest.raises(UsageError, match=f"--model.scales to be at most {most} for pictures of"):
        build_model(tiny.config(**sizes, scales=most + 1))


def test_what_a_coarse_scale_draws_has_no_detail_and_the_finest_writes_every_pixel(pyramid):
    canvases = pyramid.generate(tiny.CAPTIONS, tiny.noise()).canvases.numpy()
    coarse, fine = canvases[:, 0], canvases[:, 1]
    for offset in ((0, 1), (1, 0), (1, 1)):
        beside = coarse[:, offset[0] :: 2, offset[1] :: 2]
        same = coarse[:, ::2, ::2][:, : beside.shape[1], : beside.shape[2]]
        np.testing.assert_array_equal(beside, same)
    assert np.abs(np.diff(fine[:, :, :2], axis=2)).min() > 0


def test_latents_that_a_coarse_scale_lacks_cost_nothing_and_draw_nothing(pyramid):
    image, noise = tiny.batch()["image"] / 255.0, tiny.noise()
    latents = 2 * 2 * tiny.CONFIG.latent_channels
    _, steps = pyramid.infer(image, tiny.CAPTIONS, noise)
    for parameter in steps:
        assert not parameter[0, :, latents:].numpy().any()
        assert parameter[0, :, :latents].numpy().all() and parameter[1].numpy().all()
    other = noise.copy()
    other[0, :, latents:] += 1.0
    for make in (
        lambda noise: pyramid.generate(tiny.CAPTIONS, noise).canvases,
        lambda noise: pyramid.bound(image * 255, tiny.CAPTIONS, noise),
    ):
        np.testing.assert_array_equal(make(other), make(noise))


def test_more_scales_keep_the_shapes_of_all_weights_but_the_learned_states():
    small, large = (
        {w.path: tuple(w.shape) for w in build_model(tiny.config(**sizes)).weights}
        for sizes in (
            {"height": 8, "width": 8, "scales": 2},
            {"height": 16, "width": 16, "scales": 3},
        )
    )
    assert small == {path: large[path] for path in small}
    assert {path.rsplit("_", 1)[1] for path in large.keys() - small.keys()} == {"2"}


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


def test_the_first_prior_reads_the_caption(exact):
    _, steps = exact.infer(tiny.batch()["image"] / 255.0, tiny.CAPTIONS, tiny.noise())
    first = steps.prior_mean[0].numpy()
    assert np.abs(first[0] - first[1]).max() > 1e-3
    assert np.abs(steps.prior_log_sigma).max() <= 1


def test_places_attend_to_words_of_their_own(exact):
    memory = exact.memorize(tiny.CAPTIONS)
    state = exact.cell.initial_state(tf.constant(3))
    _, alignment = exact.cell.attention(memory, state.decoder_view)
    np.testing.assert_allclose(tf.reduce_sum(alignment, axis=-1), np.ones((3, 12)), rtol=1e-12)
    assert np.abs(alignment[:, 0] - alignment[:, 5]).max() > 1e-3


def test_a_seed_is_one_picture_alone_or_in_a_batch(model):
    together = model.generate(tiny.CAPTIONS, model.noise([5, 6, 7])).canvases
    alone = model.generate(tiny.CAPTIONS[1:2], model.noise([6])).canvases
    np.testing.assert_allclose(together[1:2], alone, atol=1e-6)
    other = model.generate(tiny.CAPTIONS[1:2], model.noise([8])).canvases
    assert np.abs(other - alone).max() > 1e-4


def test_a_vector_is_read_as_the_only_caption_state(exact):
    image, noise, words = tiny.batch()["image"], tiny.noise(), tiny.CAPTIONS[:, :1]
    vectors = exact.represent(words)
    np.testing.assert_allclose(
        exact.bound(image, vectors, noise), exact.bound(image, words, noise), rtol=1e-12
    )


def test_mixed_precision_gives_nearly_the_same_terms_in_float32():
    batch, noise = tiny.batch(), tf.constant(tiny.noise(), tf.float32)
    half, whole = (
        build_model(tiny.CONFIG, mixed_precision=mixed).bound_terms(
            batch["image"], batch["token_ids"], noise
        )
        for mixed in (True, False)
    )
    for name, term in half.items():
        assert term.dtype == tf.float32
        np.testing.assert_allclose(term, whole[name], rtol=0.02, atol=0.02)


@pytest.mark.slow  # the conformance suite trains it too
def test_fit_in_plain_keras_lowers_the_loss():
    model = build_model(tiny.CONFIG)
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    dataset = tf.data.Dataset.from_tensors(tiny.batch(4)).repeat()
    with eagerly():
        history = model.fit(dataset, steps_per_epoch=6, epochs=2, shuffle=False, verbose=0).history
    assert history["loss"][1] < history["loss"][0] - 1
    assert np.isfinite(list(history.values())).all()


@pytest.mark.slow
@pytest.mark.parametrize("scales", [1, 2])
def test_xla_compiles_the_gradient_of_the_loop_and_changes_nothing(scales):
    logs = []
    for xla in (True, False):
        model = build_model(tiny.config(scales=scales))
        model.compile(keras.optimizers.SGD(1e-2, clipnorm=10.0), jit_compile=xla)
        dataset = tf.data.Dataset.from_tensors(tiny.batch(4)).repeat()
        fit = model.fit(dataset, steps_per_epoch=3, shuffle=False, verbose=0)
        logs.append((fit.history, model.get_weights()))
    (one, weights), (other, plain) = logs
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], rtol=1e-4, err_msg=name)
    for weight, expected in zip(weights, plain, strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-5)


@pytest.mark.parametrize("kl_weight", [1.0, 2.0])
def test_free_bits_of_a_step_cost_nothing_in_training_and_stay_in_the_bound(exact, kl_weight):
    batch, noise = tiny.batch(), tiny.noise()
    kl = exact.terms(batch, noise)["kl_per_step"].numpy()
    free = float(np.median(kl))
    assert (kl < free).any() and (kl > free).any()
    model = tiny.exact_model(free_bits=free, kl_weight=kl_weight)
    terms = model.terms(batch, noise)
    np.testing.assert_allclose(terms["loss"], terms["reconstruction_nll"] + kl.sum(0), rtol=1e-12)
    paid = np.maximum(kl, free).sum(0)
    expected = terms["reconstruction_nll"] + kl_weight * paid
    np.testing.assert_allclose(terms["objective"], expected, rtol=1e-12)
