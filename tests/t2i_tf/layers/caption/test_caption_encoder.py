import numpy as np
import pytest

from t2i_tf.layers.caption.caption_encoder import CaptionEncoder
from tests.reference import caption
from tests.t2i_tf import tiny


@pytest.fixture(scope="module")
def encoder():
    return tiny.exact_model().caption_encoder


@pytest.fixture(scope="module")
def weights():
    w = tiny.reference_weights(tiny.exact_model())
    return w.embedding, w.forward, w.backward


def test_states_match_the_equations_and_the_mask_covers_the_words(encoder, weights):
    states, mask = encoder(tiny.CAPTIONS)
    np.testing.assert_array_equal(mask, tiny.CAPTIONS != 0)
    for token_ids, found in zip(tiny.CAPTIONS, states, strict=True):
        expected = caption.encode(token_ids, *weights)
        np.testing.assert_allclose(found[: len(expected)], expected, atol=1e-12)


def test_padding_changes_nothing(encoder):
    for token_ids in tiny.CAPTIONS:
        words = token_ids[token_ids != 0]
        padded = np.pad(words, (0, 9 - len(words)))
        np.testing.assert_allclose(
            encoder(padded[None])[0][0, : len(words)], encoder(words[None])[0][0], atol=1e-15
        )


def test_the_backward_half_reads_the_words_from_the_right(encoder):
    before = encoder(tiny.CAPTIONS)[0].numpy()
    changed = tiny.CAPTIONS.copy()
    changed[0, 2] = 1
    moved = np.abs(encoder(changed)[0].numpy() - before) > 1e-9
    units = before.shape[-1] // 2
    np.testing.assert_array_equal(moved[0, :, :units].all(-1), [False, False, True, True, True])
    np.testing.assert_array_equal(moved[0, :, units:].all(-1), [True, True, True, False, False])
    assert not moved[1:].any()


def test_biases_are_zero_at_the_start():
    encoder = CaptionEncoder(5, 2, 3, "glorot_uniform")
    encoder.build((None, None))
    biases = [w.numpy() for w in encoder.weights if w.name == "bias"]
    assert len(biases) == 2
    assert not np.any(biases)
