"""Captions that training drops, for every system that draws."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.config import CaptionerConfig, SharpeningConfig, SkipThoughtConfig
from t2i_tf.errors import UsageError, UserError
from t2i_tf.models import build_model
from t2i_tf.models.text_to_image import DROPPED
from t2i_tf.presets import preset
from tests.eager import eagerly

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

WORDS = ("align-draw", "noalign-draw", "conv-draw")
SENTENCES = ("skip-thought-draw", "fully-connected-vae", "conv-deconv-vae", "lapgan")
SYSTEMS = (*WORDS, *SENTENCES)
UNITS = 5  # of a sentence vector


def build(system, caption_dropout=0.5, **kwargs):
    config = preset(f"{system}-tiny").config.model
    sizes = {"height": 8, "width": 8}
    if hasattr(config, "sentence_units") and config.sentence_units:
        sizes["sentence_units"] = UNITS
    config = config.__class__(**(vars(config) | sizes))
    return build_model(config, caption_dropout=caption_dropout, **kwargs)


def batch(model, size=6):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (size, 8, 8, 3), np.uint8)
    sentence = rng.standard_normal((size, UNITS)).astype(np.float32)
    ids = np.pad(rng.integers(2, 100, (size, 4), np.int32), [[0, 0], [0, 2]])
    features = {"image": image, "sentence": sentence, "token_ids": ids}
    return {name: tf.constant(features[name]) for name in model.feature_keys}


def noise(model, size=6):
    return model.noise(range(size))


@pytest.mark.parametrize("system", SYSTEMS)
def test_without_dropout_there_is_no_weight_for_it(system):
    plain, dropping = build(system, 0.0), build(system)
    added = sum(w.shape.num_elements() for w in map(tf.convert_to_tensor, dropping.weights))
    width = UNITS if system in SENTENCES else plain.caption_encoder.embedding.output_dim
    assert added - plain.count_params() == width
    assert not plain.has_empty_caption and dropping.has_empty_caption
    assert plain.random_features(tf.constant(6), tf.constant([1, 2])) == {}
    with pytest.raises(UserError, match="trained without --caption-dropout"):
        plain.empty_caption(batch(plain)[plain.reads])


@pytest.mark.parametrize("system", SENTENCES)
def test_the_other_weights_begin_as_without_dropout(system):
    plain, dropping = ({w.path: w.numpy() for w in build(system, p).weights} for p in (0.0, 0.5))
    assert dropping.keys() - plain.keys() == {"empty_caption/vector"}
    for path, values in plain.items():
        np.testing.assert_array_equal(dropping[path], values, err_msg=path)


@pytest.mark.parametrize("system", WORDS)
def test_the_empty_caption_of_words_is_one_token_beyond_the_vocabulary(system):
    model = build(system)
    words = preset(f"{system}-tiny").config.model.vocabulary_size
    ids = tf.constant([[2, 3, 4], [5, 0, 0]])
    np.testing.assert_array_equal(model.empty_caption(ids), [[words, 0, 0]] * 2)
    assert model.empty_caption(ids).dtype == ids.dtype
    vectors = model.represent(ids)
    np.testing.assert_array_equal(model.empty_caption(vectors), [[words]] * 2)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_dropped_caption_is_read_as_the_empty_one(system):
    model = build(system)
    data, dropped = batch(model), np.array([True, False, True, False, False, True])
    caption = data[model.reads]
    replaced = tf.where(dropped[:, None], model.empty_caption(caption), caption)
    given = model.terms(data | {DROPPED: tf.constant(dropped)}, noise(model))
    expected = model.terms(data | {model.reads: replaced}, noise(model))
    with_all = model.terms(data, noise(model))
    key = "loss" if "loss" in given else "generator_loss"
    np.testing.assert_array_equal(given[key], expected[key])
    assert (np.array(given[key] != with_all[key]) == dropped).all()


@pytest.mark.parametrize("system", ["align-draw", *SENTENCES])
def test_mixed_precision_reads_the_same_empty_caption(system):
    half, whole = (build(system, mixed_precision=mixed) for mixed in (True, False))
    data = batch(half)
    caption = data[half.reads]
    np.testing.assert_array_equal(half.empty_caption(caption), whole.empty_caption(caption))
    terms = half.terms(data | {DROPPED: tf.fill([6], True)}, noise(half))
    assert all(np.isfinite(term).all() for term in terms.values())
    if half.can_be_guided:
        guided = half.generate(caption, noise(half), 1.0).image
        assert guided.dtype == tf.float32 and np.isfinite(guided).all()


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_training_step_moves_the_empty_caption_and_the_same_step_is_the_same(system):
    with eagerly():
        runs = [step_from(build(system, seed=7), start=3) for _ in range(2)]
        other = step_from(build(system, seed=7), start=4)
    (before, after), (_, again) = runs
    for path, values in after.items():
        np.testing.assert_array_equal(values, again[path], err_msg=path)
    assert any((other[1][path] != values).any() for path, values in after.items())
    if system in SENTENCES:
        assert (after["empty_caption/vector"] != before["empty_caption/vector"]).all()
    else:
        path = "caption_encoder/embedding/embeddings"
        assert (after[path][-1] != before[path][-1]).all()


def step_from(model, start):
    """Weights before and after one step, which counts as the step `start`."""
    model.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(start)
    before = {w.path: w.numpy() for w in model.weights}
    model.train_step(batch(model))
    return before, {w.path: w.numpy() for w in model.weights}


def test_the_share_of_dropped_captions_is_the_one_asked_for():
    model = build("fully-connected-vae", 0.2)
    dropped = [
        model.random_features(tf.constant(500), tf.constant([3, step]))[DROPPED].numpy()
        for step in range(10)
    ]
    assert np.mean(dropped) == pytest.approx(0.2, abs=0.02)
    assert (dropped[0] != dropped[1]).any()


def test_validation_drops_nothing():
    """A share that drops all captions but for one in a thousand changes no measure."""
    model = build("fully-connected-vae", 0.999)
    model.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    data = batch(model)
    with eagerly():
        found = model.evaluate(tf.data.Dataset.from_tensors(data), return_dict=True, verbose=0)
    counted = model._batch_noise(data, stream=1, counter=tf.constant(0.0))
    expected = tf.reduce_mean(model.terms(data, counted)["loss"])
    assert found["loss"] == pytest.approx(float(expected), rel=1e-6)


def test_no_real_image_is_rejected_for_an_empty_caption():
    """The LAPGAN's mismatched captions are those of other images, never the empty one."""
    config = preset("lapgan-tiny").config.model
    sizes = {"height": 8, "width": 8, "sentence_units": UNITS, "mismatched_captions": True}
    model = build_model(config.__class__(**(vars(config) | sizes)), caption_dropout=0.5)
    seen = []
    model.discriminators[0].call = lambda image, sentence, seed=None: (
        seen.append(sentence.numpy()) or tf.zeros(len(sentence))
    )
    data = batch(model)
    model.terms(data | {DROPPED: tf.fill([6], True)}, noise(model))
    real, fake, wrong = np.split(seen[0], 3)
    np.testing.assert_array_equal(real, fake)
    assert (real == real[0]).all()
    np.testing.assert_array_equal(wrong, np.roll(data["sentence"], 1, axis=0))


@pytest.mark.parametrize("config", [CaptionerConfig(), SharpeningConfig(), SkipThoughtConfig()])
def test_models_that_draw_no_captions_refuse_it(config):
    with pytest.raises(UsageError, match=rf"--caption-dropout is for .* {type(config).__name__}"):
        build_model(config, caption_dropout=0.1)
