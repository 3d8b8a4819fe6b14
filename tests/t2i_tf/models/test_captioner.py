import itertools
from dataclasses import asdict, replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.config import CaptionerConfig
from t2i_tf.errors import UserError
from t2i_tf.models import ImageCaptioner, build_model
from tests.reference import captioner as reference
from tests.t2i_tf.central_differences import assert_gradients_match

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

CONFIG = CaptionerConfig(
    height=16,
    width=18,
    channels=3,
    vocabulary_size=7,
    filters=3,
    embedding_units=4,
    decoder_units=5,
    align_units=6,
    dropout=0.5,
)
CAPTIONS = np.array([[2, 5, 1, 3], [4, 2, 0, 0], [6, 0, 0, 0]], np.int32)


def exact_model(config=CONFIG, scale=0.8):
    """A float64 model in which every weight is far from zero."""
    model = ImageCaptioner(**asdict(config), dtype="float64")
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(scale * rng.standard_normal(weight.shape))
    bias = model.decoder.vocabulary.bias
    bias.assign_add(2.5 * np.eye(config.vocabulary_size)[0])  # so that some captions end early
    return model


def images(size=3, config=CONFIG):
    shape = (size, config.height, config.width, config.channels)
    return np.random.default_rng(1).integers(0, 256, shape, np.uint8)


def batch():
    return {"image": tf.constant(images()), "token_ids": tf.constant(CAPTIONS)}


def no_noise(size=3):
    return tf.zeros([0, size, 0])


def weights(model):
    features, decoder = model.features, model.decoder
    arrays = keras.ops.convert_to_numpy
    return reference.Weights(
        convolutions=[
            (*c.get_weights(), c.strides[0])
            for c in (*features.halve.convolutions, *features.widen)
        ],
        positions=arrays(features.positions),
        embedding=decoder.embedding.get_weights()[0],
        start=decoder.start.get_weights(),
        align=(
            *decoder.align.key.get_weights(),
            *decoder.align.query.get_weights(),
            arrays(decoder.align.score)[:, 0],
        ),
        lstm=decoder.lstm.get_weights(),
        readout=decoder.readout.get_weights(),
        vocabulary=decoder.vocabulary.get_weights(),
        normalized=features.normalized,
    )


@pytest.fixture(scope="module")
def exact():
    return exact_model()


@pytest.mark.parametrize(
    "height, width, channels, normalized",
    [(16, 18, 3, False), (31, 15, 1, False), (5, 7, 3, False), (16, 18, 3, True)],
)
def test_the_loss_matches_the_equations(height, width, channels, normalized):
    sizes = {"height": height, "width": width, "channels": channels}
    config = replace(CONFIG, **sizes, normalized_features=normalized)
    model, pictures = exact_model(config), images(config=config)
    terms = model.terms({"image": tf.constant(pictures), "token_ids": CAPTIONS}, no_noise())
    for b, words in enumerate([[2, 5, 1, 3], [4, 2], [6]]):
        log_p, right = reference.log_probability(weights(model), pictures[b] / 255.0, words)
        np.testing.assert_allclose(terms["loss"][b], -log_p, rtol=1e-10)
        np.testing.assert_allclose(terms["word_accuracy"][b], right / (len(words) + 1))


def test_padding_changes_nothing(exact):
    wide = np.pad(CAPTIONS, [(0, 0), (0, 3)])
    padded = exact.terms(batch() | {"token_ids": wide}, no_noise())
    for name, term in exact.terms(batch(), no_noise()).items():
        np.testing.assert_allclose(padded[name], term, rtol=1e-12)


def test_probabilities_of_all_captions_sum_to_one(exact):
    """Over captions of up to 2 words and all that begins with 2 words."""
    words = range(1, CONFIG.vocabulary_size)
    whole = [(), *((a,) for a in words)]
    picture = tf.constant(images(1))
    token_ids = np.array([[*c, *[0] * (1 - len(c))] for c in whole], np.int32)
    pictures = tf.repeat(picture, len(whole), axis=0)
    loss = exact.terms({"image": pictures, "token_ids": token_ids}, no_noise())["loss"]
    given = np.zeros((len(words), 2), np.int32)
    given[:, 1] = words
    log_p = exact.log_probabilities(tf.repeat(picture, len(words), axis=0), given).numpy()
    begun = [np.exp(log_p[k, 0, a] + log_p[k, 1, 1:]).sum() for k, a in enumerate(words)]
    assert np.exp(-loss).sum() + np.sum(begun) == pytest.approx(1, rel=1e-10)


@pytest.mark.parametrize("max_words", [1, 6])
def test_a_beam_of_one_is_the_most_probable_word_again_and_again(exact, max_words):
    description = exact.describe(images(), beam=1, max_words=max_words)
    lengths = set()
    for b, image in enumerate(images()):
        words, log_p, attention = reference.greedy(weights(exact), image / 255.0, max_words)
        padding = [0] * (max_words - len(words))
        assert description.token_ids[b].numpy().tolist() == [*words, *padding]
        np.testing.assert_allclose(description.log_probability[b], log_p, rtol=1e-10)
        found = description.attention[b].numpy().reshape(max_words, -1)
        np.testing.assert_allclose(found[: len(words)], attention, atol=1e-12)
        assert not found[len(words) :].any()
        lengths.add(len(words))
    assert max_words == 1 or lengths != {max_words}  # some end by themselves


def all_captions(max_words):
    words = range(2, CONFIG.vocabulary_size)
    return [c for n in range(1, max_words + 1) for c in itertools.product(words, repeat=n)]


@pytest.mark.parametrize("length_power", [0.0, 0.7, 1.0])
def test_a_wide_beam_finds_the_best_of_all_captions(exact, length_power):
    captions = all_captions(3)
    token_ids = np.array([[*c, *[0] * (3 - len(c))] for c in captions], np.int32)
    lengths = np.array([len(c) + 1 for c in captions])
    found = exact.describe(images(), beam=len(captions), max_words=3, length_power=length_power)
    for b, image in enumerate(images()):
        everywhere = np.repeat(image[None], len(captions), axis=0)
        terms = exact.terms(
            {"image": tf.constant(everywhere), "token_ids": token_ids}, no_noise(len(captions))
        )
        best = np.argmax(-terms["loss"].numpy() / lengths**length_power)
        assert found.token_ids[b].numpy().tolist() == token_ids[best].tolist()
        np.testing.assert_allclose(found.log_probability[b], -terms["loss"][best], rtol=1e-10)


def test_a_wider_beam_finds_what_a_narrow_one_misses(exact):
    narrow, wide = (
        exact.describe(images(), beam=beam, max_words=4, length_power=0.0).log_probability.numpy()
        for beam in (1, 200)
    )
    assert (wide >= narrow - 1e-12).all() and (wide > narrow + 1e-6).any()


def test_unknown_is_never_written_however_probable():
    model = exact_model()
    model.decoder.vocabulary.bias.assign(20.0 * np.eye(CONFIG.vocabulary_size)[1])
    for beam in (1, 3, 50):
        token_ids = model.describe(images(), beam=beam, max_words=4).token_ids.numpy()
        assert not (token_ids == 1).any()
        assert (token_ids[:, 0] > 1).all()


def test_a_caption_does_not_depend_on_its_neighbours_and_the_graph_takes_any_batch(exact):
    describe = tf.function(
        lambda image: exact.describe(image, max_words=5),
        input_signature=[tf.TensorSpec([None, 16, 18, 3], tf.uint8)],
        autograph=False,
    )
    together = describe(images(5))
    assert together.attention.shape == (5, 5, *exact.features.grid)
    for b, image in enumerate(images(5)):
        for all_of_them, alone in zip(together, describe(image[None]), strict=True):
            np.testing.assert_allclose(all_of_them[b], alone[0], atol=1e-12)


def test_attention_of_each_word_sums_to_one(exact):
    description = exact.describe(images() / 255.0, max_words=4)
    written = description.token_ids.numpy() > 0
    sums = description.attention.numpy().sum(axis=(2, 3))
    np.testing.assert_allclose(sums, written, atol=1e-12)
    bytes_too = exact.describe(images(), max_words=4)
    np.testing.assert_array_equal(description.token_ids, bytes_too.token_ids)


def test_the_grid_has_about_eight_places_a_side():
    grids = {
        (32, 32): (8, 8),
        (60, 60): (8, 8),
        (64, 48): (8, 6),
        (16, 18): (8, 9),
        (6, 9): (6, 9),
        (256, 256): (8, 8),
    }
    for (height, width), grid in grids.items():
        model = build_model(replace(CONFIG, height=height, width=width, filters=1))
        assert model.features.grid == grid


def test_gradients_match_central_differences(exact):
    loss = tf.function(
        lambda: tf.reduce_sum(exact.terms(batch(), no_noise())["loss"]), autograph=False
    )
    assert_gradients_match(exact.trainable_variables, loss, step=1e-6, rel=1e-5)


def test_dropout_is_of_training_alone_and_of_its_seed(exact):
    whole = exact.terms(batch(), no_noise())["loss"].numpy()
    one, same, other = (
        exact.terms(batch(), no_noise(), tf.constant([0, k]))["loss"].numpy() for k in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).all() and (one != whole).all()


@pytest.mark.slow
def test_it_learns_to_distinguish_bright_from_dark():
    model = build_model(replace(CONFIG, dropout=0.0))
    model.compile(keras.optimizers.Adam(0.02))
    image = np.zeros((8, 16, 18, 3), np.uint8)
    image[::2] = 230
    token_ids = np.where(np.arange(8)[:, None] % 2, [[2, 3, 4]], [[2, 5, 0]]).astype(np.int32)
    data = tf.data.Dataset.from_generator(  # whose captions have no static length
        lambda: itertools.repeat({"image": image, "token_ids": token_ids}),
        output_signature={
            "image": tf.TensorSpec([None, 16, 18, 3], tf.uint8),
            "token_ids": tf.TensorSpec([None, None], tf.int32),
        },
    )
    model.fit(data, steps_per_epoch=150, verbose=0)
    scores = model.evaluate(data.take(1), return_dict=True, verbose=0)
    assert scores["loss"] < 0.5 and scores["word_accuracy"] == 1
    found = model.describe(image, max_words=5).token_ids.numpy()
    np.testing.assert_array_equal(found, np.pad(token_ids, [(0, 0), (0, 2)]))


def test_mixed_precision_gives_nearly_the_same_loss_in_float32():
    half, whole = (build_model(CONFIG, mixed_precision=mixed) for mixed in (True, False))
    terms = half.terms(batch(), no_noise())
    assert terms["loss"].dtype == tf.float32
    np.testing.assert_allclose(terms["loss"], whole.terms(batch(), no_noise())["loss"], rtol=0.02)
    assert half.describe(images(), max_words=3).log_probability.dtype == tf.float32


def test_the_preview_shows_pictures_over_what_was_written(exact):
    preview = tf.function(exact.preview, autograph=False)(batch())
    np.testing.assert_allclose(preview.pictures[:, 0], images() / 255.0)
    np.testing.assert_array_equal(preview.token_ids, exact.describe(images()).token_ids)
    assert preview.canvases.shape == (3, 1, 16, 18, 3) and preview.alignment.shape == (3, 1, 0)


def test_paths_of_weights_are_unique_and_a_seed_fixes_them():
    one, same, other = (build_model(CONFIG, seed=seed) for seed in (1, 1, 2))
    assert len({weight.path for weight in one.weights}) == len(one.weights)
    for a, b in zip(one.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


def test_bad_input_is_refused(exact):
    with pytest.raises(UserError, match=r"Expected images of 16 x 18 x 3, got 16 x 18 x 1.*Resize"):
        exact.describe(np.zeros((1, 16, 18, 1), np.uint8))
    with pytest.raises(UserError, match="got 0 and 29"):
        exact.describe(images(), beam=0)
