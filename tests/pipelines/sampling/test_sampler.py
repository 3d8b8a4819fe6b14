import dataclasses

import numpy as np
import pytest

from pipelines.sampling.sampler import Sampler
from t2i_tf.checkpoints import Trained
from t2i_tf.config import TrainConfig
from t2i_tf.errors import UserError
from t2i_tf.models import build_model
from t2i_tf.text.tokenizer import Tokenizer, TokenReader
from t2i_tf.text.vocabulary import Vocabulary
from tests.t2i_tf.tiny import CONFIG

WORDS = ("a", "red", "green", "bus", "car", "is", "parked", "here", ".")


@pytest.fixture(scope="module")
def trained():
    vocabulary = Vocabulary.from_counts(dict.fromkeys(WORDS, 1))
    model_config = dataclasses.replace(CONFIG, vocabulary_size=len(vocabulary))
    model = build_model(model_config)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(0.4 * rng.standard_normal(weight.shape))
    config = TrainConfig(model=model_config, max_words=8)
    return Trained(model, config, vocabulary, TokenReader(Tokenizer(vocabulary, 8)), 0)


@pytest.fixture(scope="module")
def sampler(trained):
    return Sampler(trained)


def test_every_field_has_its_shape(sampler):
    (row,) = sampler.draw(["A red bus."], n=3, seed=4)
    assert [drawn.seed for drawn in row] == [4, 5, 6]
    first = row[0]
    assert first.words == ("a", "red", "bus", ".")
    assert first.image.shape == (6, 9, 3) and first.image.dtype == np.uint8
    assert first.canvases.shape == (3, 6, 9, 3)
    np.testing.assert_array_equal(first.canvases[-1], first.image)
    np.testing.assert_allclose(first.alignment.sum(1), np.ones(3), rtol=1e-5)
    assert first.alignment.shape == (3, 4) and first.windows.shape == (3, 4)


def test_a_caption_with_a_seed_is_one_picture_alone_or_among_others(sampler):
    captions = ["a red bus", "a green car is parked here", "a bus"]
    together = sampler.draw(captions, n=20, seed=3)
    for row in together:
        for drawn in row[::7]:
            ((alone,),) = sampler.draw([drawn.caption], seed=drawn.seed)
            np.testing.assert_array_equal(alone.canvases, drawn.canvases)
            np.testing.assert_array_equal(alone.alignment, drawn.alignment)


def test_seeds_and_captions_make_a_difference(sampler):
    (red, other), (green, _) = sampler.draw(["a red bus", "a green bus"], n=2)
    assert (red.image != other.image).any()
    assert (red.image != green.image).any()


def test_temperature_zero_forgets_the_seed(sampler):
    ((first, second),) = sampler.draw(["a red bus"], n=2, temperature=0.0)
    np.testing.assert_array_equal(first.image, second.image)


def test_the_graph_is_traced_once(sampler):
    sampler.draw(["a red bus"], n=3)
    sampler.draw(["a green car is parked here ."] * 9, n=4, seed=5, temperature=0.5)
    assert sampler._generate.experimental_get_tracing_count() == 1


def test_unknown_words_are_named_once(sampler):
    assert sampler.unknown_words(["A zebra, a car", "zebra red kiwi"]) == ["zebra", ",", "kiwi"]


def test_unknown_words_are_those_that_its_reader_does_not_know(trained):
    """A sentence encoder knows other words than the data of the model."""
    reader = TokenReader(Tokenizer(Vocabulary.from_counts({"a": 2, "zebra": 1}), 8))
    assert Sampler(trained._replace(reader=reader)).unknown_words(["a red zebra"]) == ["red"]


@pytest.mark.parametrize(
    ("captions", "options", "message"),
    [
        ([], {}, "at least one caption"),
        (["a bus", " "], {}, "with words, got ' '"),
        (["a bus is parked here, a car is parked"], {}, "has 10 words.* reads at most 8"),
        (["a bus"], {"n": 0}, "n = 0"),
        (["a bus"], {"temperature": -1.0}, "temperature of 0 or more"),
        (["a bus"], {"temperature": float("nan")}, "temperature of 0 or more"),
    ],
)
def test_bad_input_is_refused(sampler, captions, options, message):
    with pytest.raises(UserError, match=message):
        sampler.draw(captions, **options)
