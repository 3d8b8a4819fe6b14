"""A sharpener behind a sampler, and how sharp images are."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from pipelines.sampling.sampler import Sampler
from pipelines.sampling.sharpener import Sharpener
from t2i_tf.checkpoints import Trained
from t2i_tf.errors import UserError
from t2i_tf.models import build_model
from t2i_tf.presets import preset
from t2i_tf.text.tokenizer import Tokenizer, TokenReader
from t2i_tf.text.vocabulary import Vocabulary

VOCABULARY = Vocabulary.from_counts(dict.fromkeys(("a", "red", "green", "bus"), 1))
UNITS = 5


def vectors(captions):
    """A stand-in for a sentence encoder: a vector of each caption's letters."""
    codes = tf.strings.to_hash_bucket_fast(captions, 1000)
    return tf.sin(tf.cast(codes, tf.float32)[:, None] * tf.range(1.0, 1.0 + UNITS))


def trained(name, reader=None, **sizes):
    config = preset(name).config
    model = dataclasses.replace(config.model, height=8, width=8, **sizes)
    reader = reader or TokenReader(Tokenizer(VOCABULARY, config.max_words))
    config = dataclasses.replace(config, model=model)
    return Trained(build_model(model), config, VOCABULARY, reader, 0)


@pytest.fixture(scope="module")
def system():
    return trained("align-draw-tiny", vocabulary_size=len(VOCABULARY))


@pytest.fixture(scope="module")
def sharpener():
    fresh = trained("sharpening-tiny", vectors, sentence_units=UNITS)
    rng = np.random.default_rng(0)
    for weight in fresh.model.weights:  # a fresh one adds nothing yet
        weight.assign(0.1 * rng.standard_normal(weight.shape))
    return Sharpener(fresh)


def test_each_drawing_comes_sharpened_too(system, sharpener):
    ((plain,),) = Sampler(system).draw(["a red bus"], seed=3)
    (row,) = Sampler(system, sharpener).draw(["a red bus"], n=2, seed=3)
    assert plain.sharpened is None
    np.testing.assert_array_equal(row[0].image, plain.image)
    blurry = tf.constant(row[1].image[None] / np.float32(255))
    expected = sharpener(blurry, vectors(tf.constant(["a red bus"])))[0] * 255
    # The drawing is sharpened before it is rounded to pixels.
    np.testing.assert_allclose(row[1].sharpened, expected, atol=2)
    assert (row[0].sharpened != row[0].image).any()


def test_the_sharpener_is_conditioned_on_the_caption(sharpener):
    image = tf.fill([2, 8, 8, 3], 0.5)
    one, other = sharpener(image, sharpener.read(tf.constant(["a red bus", "a green bus"])))
    assert np.abs(one - other).max() > 1e-6


def test_other_sizes_and_other_models_are_refused(system, sharpener):
    other = trained("sharpening-tiny", vectors, sentence_units=UNITS, channels=1)
    with pytest.raises(UserError, match=r"8 x 8 x 1.*draws 8 x 8 x 3"):
        Sampler(system, Sharpener(other))
    with pytest.raises(UserError, match="AlignDRAW, which sharpens nothing"):
        Sharpener(system)
    with pytest.raises(UserError, match="SharpeningGAN, which draws no captions"):
        Sampler(sharpener.trained)
