import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import t2i_tf
from t2i_tf.errors import UserError
from t2i_tf.hub.transfer import transfer
from t2i_tf.image_ops import image_shape
from t2i_tf.models import build_model
from t2i_tf.text.vocabulary import Vocabulary
from tests.t2i_tf.hub.tiny_runs import CAPTIONER, write_run
from tests.t2i_tf.tiny import CONFIG

EMBEDDING = "caption_encoder/embedding/embeddings"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = write_run(tmp_path_factory.mktemp("transfer") / "run", caption_dropout=0.1)
    return t2i_tf.TextToImage.from_preset(folder)


def new_model(words, config=CONFIG, **settings):
    vocabulary = Vocabulary.from_counts({word: len(words) - k for k, word in enumerate(words)})
    config = dataclasses.replace(config, vocabulary_size=len(vocabulary))
    return build_model(config, seed=9, **settings), vocabulary


def weights(network):
    return {variable.path: variable.numpy() for variable in network.weights}


def test_known_words_keep_their_rows_and_new_ones_begin_at_the_mean(source):
    network, vocabulary = new_model(["zebra", "bus", "a", "okapi", "sky"], caption_dropout=0.1)
    taken = transfer(source, network, vocabulary)
    old, new = weights(source.network), weights(network)
    assert (taken.known_words, taken.new_words, taken.left_words) == (2, 3, 2)
    assert taken.taken == len(new) and not taken.not_taken
    rows = dict(zip(source.vocabulary.entries, old[EMBEDDING], strict=False))
    mean = old[EMBEDDING][2:6].mean(axis=0)
    for word, row in zip(vocabulary.entries, new[EMBEDDING], strict=False):
        np.testing.assert_allclose(row, rows.get(word, mean), atol=1e-7, err_msg=word)
    np.testing.assert_array_equal(new[EMBEDDING][-1], old[EMBEDDING][-1])  # the empty caption
    for path in new.keys() - {EMBEDDING}:
        np.testing.assert_array_equal(new[path], old[path], err_msg=path)


def test_words_of_an_earlier_spelling_keep_their_rows(source, monkeypatch):
    old = Vocabulary(("<pad>", "<unk>", "❤\ufe0f", "straße", "strasse", "zoo"), (0, 0, 4, 3, 2, 1))
    assert len(old) == len(source.vocabulary)
    monkeypatch.setattr(source, "_parts", source.parts._replace(vocabulary=old))
    vocabulary = Vocabulary.from_counts({"strasse": 3, "❤": 2, "é": 1}, folded=True)
    config = dataclasses.replace(CONFIG, vocabulary_size=len(vocabulary))
    network = build_model(config, seed=9, caption_dropout=0.1)
    taken = transfer(source, network, vocabulary)
    rows = weights(source.network)[EMBEDDING]
    new = weights(network)[EMBEDDING]
    np.testing.assert_array_equal(new[2:4], rows[[4, 2]])  # its own spelling comes first
    assert (taken.known_words, taken.new_words, taken.left_words) == (2, 1, 1)


def test_words_are_matched_by_name_where_the_vocabularies_are_as_large(source):
    network, vocabulary = new_model(["bus", "zebra", "green", "a"])
    initial = weights(network)[EMBEDDING].shape
    transfer(source, network, vocabulary)
    old, new = weights(source.network)[EMBEDDING], weights(network)[EMBEDDING]
    assert new.shape == initial == (6, 4)  # without an empty caption
    ids = source.vocabulary.ids(["bus", "green", "a"])
    np.testing.assert_array_equal(new[[2, 4, 5]], old[ids])


def test_an_empty_caption_that_is_new_keeps_its_initial_value(tmp_path):
    source = t2i_tf.TextToImage.from_preset(write_run(tmp_path / "run"))
    network, vocabulary = new_model(["bus"], caption_dropout=0.1)
    initial = weights(network)[EMBEDDING][-1]
    transfer(source, network, vocabulary)
    np.testing.assert_array_equal(weights(network)[EMBEDDING][-1], initial)


def test_what_does_not_fit_is_named_and_left_as_it_is(source):
    config = dataclasses.replace(CONFIG, decoder_units=9, embedding_units=5)
    network, vocabulary = new_model(["bus", "zebra"], config, caption_dropout=0.1)
    before = weights(network)
    taken = transfer(source, network, vocabulary)
    after, old = weights(network), weights(source.network)
    assert taken.taken + len(taken.not_taken) == len(after)
    assert "expected the shape (5, 5), got (7, 4)" in taken.not_taken[EMBEDDING]
    assert (taken.known_words, taken.new_words) == (0, 0)
    for path in after:
        expected = before if path in taken.not_taken else old
        np.testing.assert_array_equal(after[path], expected[path], err_msg=path)


@pytest.mark.parametrize("convention", ["centred", "authors"])
def test_larger_windows_begin_by_drawing_what_the_smaller_ones_drew(tmp_path, convention):
    config = dataclasses.replace(CONFIG, window=convention)
    source = t2i_tf.TextToImage.from_preset(write_run(tmp_path / "run", config))
    sizes = {"read_size": config.read_size + 4, "write_size": config.write_size + 2}
    larger = dataclasses.replace(config, **sizes)
    network, vocabulary = new_model(source.vocabulary.entries[2:], larger)
    taken = transfer(source, network, vocabulary)
    assert taken.taken == len(network.weights)
    assert taken.enlarged == [
        "draw_cell/encoder/kernel",
        "draw_cell/write_patch/bias",
        "draw_cell/write_patch/kernel",
    ]
    image = tf.random.stateless_uniform((1, *image_shape(config)), (1, 2))
    caption, noise = tf.constant([[2, 3, 4]]), network.noise(tf.constant([5]))
    before, now = (
        model.bound(image, caption, noise).numpy() for model in (source.network, network)
    )
    np.testing.assert_allclose(now, before, rtol=1e-5)


def test_windows_whose_filters_would_lie_elsewhere_are_not_taken(source):
    larger = dataclasses.replace(CONFIG, write_size=CONFIG.write_size + 1)
    network, vocabulary = new_model(source.vocabulary.entries[2:], larger, caption_dropout=0.1)
    taken = transfer(source, network, vocabulary)
    assert not taken.enlarged
    assert sorted(taken.not_taken) == ["draw_cell/write_patch/bias", "draw_cell/write_patch/kernel"]


def test_another_system_takes_what_it_has_in_common(source):
    config = dataclasses.replace(CONFIG, conditioning="average")
    network, vocabulary = new_model(["bus"], config)
    taken = transfer(source, network, vocabulary)
    assert not taken.not_taken
    assert taken.left and taken.taken + len(taken.left) == len(source.network.weights)


def test_a_system_without_anything_in_common_is_refused(source):
    network, vocabulary = new_model(["bus"], CAPTIONER)
    with pytest.raises(UserError, match="No weight of the alignDRAW fits this Image captioner"):
        transfer(source, network, vocabulary)


def test_words_that_a_captioner_writes_have_columns(tmp_path):
    source = t2i_tf.ImageToText.from_preset(write_run(tmp_path / "run", CAPTIONER))
    network, vocabulary = new_model(["bus", "zebra", "a"], CAPTIONER)
    taken = transfer(source, network, vocabulary)
    assert taken.known_words == 2 and not taken.not_taken
    old, new = weights(source.network), weights(network)
    bus = source.vocabulary.ids(["bus"])[0]
    kernel, bias = "decoder/vocabulary/kernel", "decoder/vocabulary/bias"
    np.testing.assert_array_equal(new[kernel][:, 2], old[kernel][:, bus])
    np.testing.assert_allclose(new[kernel][:, 3], old[kernel][:, 2:].mean(axis=1), atol=1e-7)
    np.testing.assert_array_equal(new[bias][2], old[bias][bus])
