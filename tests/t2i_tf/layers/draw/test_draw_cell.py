import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.layers.draw import filterbank
from t2i_tf.layers.draw.draw_cell import DrawState
from tests.reference import draw as reference
from tests.t2i_tf import tiny

CASES = [("align", 3), ("align", 1), ("average", 3)]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "{}-{}".format(*case))
def model(request):
    return tiny.exact_model(*request.param)


@pytest.fixture
def state(model):
    """A state in the middle of a drawing."""
    rng = np.random.default_rng(3)
    cell = model.cell
    units = [cell.encoder.units] * 2 + [cell.decoder.units] * 2
    hidden = [rng.uniform(-1, 1, (3, n)) for n in units]
    return reference.State(*hidden, rng.standard_normal(pictures(model).shape))


def pictures(model):
    return tiny.batch(channels=model.cell.channels)["image"] / 255.0


def tensors(state):
    """The reference's state as the layer wants it."""
    rows = filterbank.to_rows(tf.constant(state.canvas))
    return DrawState(*(tf.constant(array) for array in state[:4]), rows)


def of_picture(state, b):
    return reference.State(*(array[b] for array in state))


def assert_same_state(model, found, b, expected):
    canvas = filterbank.from_rows(found.canvas, model.cell.channels)
    for array, target in zip((*found[:4], canvas), expected, strict=True):
        np.testing.assert_allclose(array[b], target, atol=1e-10)


def assert_same_attention(found, b, expected):
    words = len(expected.alignment)
    np.testing.assert_allclose(found.alignment[b][:words], expected.alignment, atol=1e-10)
    np.testing.assert_allclose(found.window[b], expected.window, atol=1e-10)


@pytest.mark.parametrize("t", [0, 2])
def test_a_step_of_inference_matches_the_equations(model, state, t):
    w = tiny.reference_weights(model)
    images, noise = pictures(model), tiny.noise()[t]
    found_state, found = model.cell.infer(
        filterbank.to_rows(tf.constant(images)),
        model.memorize(tiny.CAPTIONS),
        tensors(state),
        tf.constant(noise),
        tf.constant(t),
    )
    for b, token_ids in enumerate(tiny.CAPTIONS):
        expected_state, expected = reference.infer_step(
            w, images[b], reference.encode(w, token_ids), of_picture(state, b), noise[b], t
        )
        assert_same_state(model, found_state, b, expected_state)
        assert_same_attention(found, b, expected)
        for name in ("posterior", "prior"):
            mean, sigma = getattr(expected, name)
            np.testing.assert_allclose(getattr(found, f"{name}_mean")[b], mean, atol=1e-10)
            log_sigma = getattr(found, f"{name}_log_sigma")[b]
            np.testing.assert_allclose(np.exp(log_sigma), sigma, atol=1e-10)


@pytest.mark.parametrize("t", [0, 2])
def test_a_step_of_generation_matches_the_equations(model, state, t):
    w = tiny.reference_weights(model)
    noise = tiny.noise()[t]
    found_state, found = model.cell.generate(
        model.memorize(tiny.CAPTIONS), tensors(state), tf.constant(noise), tf.constant(t)
    )
    for b, token_ids in enumerate(tiny.CAPTIONS):
        expected_state, expected = reference.generate_step(
            w, reference.encode(w, token_ids), of_picture(state, b), noise[b], t
        )
        assert_same_state(model, found_state, b, expected_state)
        assert_same_attention(found, b, expected)


def test_the_drawing_begins_with_learned_states_and_an_empty_canvas(model):
    w = tiny.reference_weights(model)
    begin = model.cell.initial_state(tf.constant(3))
    expected = reference.initial_state(w, pictures(model).shape[1:])
    for b in range(3):
        assert_same_state(model, begin, b, expected)
