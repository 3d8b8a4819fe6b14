import keras
import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.config import SkipThoughtConfig
from t2i_tf.models import build_model
from t2i_tf.text.vocabulary import Vocabulary

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

VOCABULARY = Vocabulary.from_counts(dict.fromkeys("abcdefgh", 1))
IDS = np.array([[2, 3, 4, 0], [5, 6, 0, 0], [7, 8, 9, 2]], np.int32)
NEIGHBOURS = np.array([[4, 3, 0, 0, 0], [6, 5, 7, 2, 3], [9, 0, 0, 0, 0]], np.int32)


@pytest.fixture
def model():
    config = SkipThoughtConfig(
        vocabulary_size=len(VOCABULARY), embedding_units=6, units=4, decoder_units=16
    )
    return build_model(config)


def batch():
    return {"token_ids": tf.constant(IDS), "neighbour_ids": tf.constant(NEIGHBOURS)}


def test_words_and_one_end_count(model):
    terms = model.terms(batch(), tf.zeros([0, 3, 0]))
    nll = model._word_nll(model.encoder(IDS), tf.constant(NEIGHBOURS)).numpy()
    counted = [3, 5, 2]  # words and the end, where there is room for one
    expected = [row[:n].sum() for row, n in zip(nll, counted, strict=True)]
    np.testing.assert_allclose(terms["loss"], expected, rtol=1e-5)
    np.testing.assert_allclose(terms["word_nll"], np.divide(expected, counted), rtol=1e-5)


@pytest.mark.slow
def test_memorises_the_neighbours(model):
    model.compile(keras.optimizers.Adam(0.02), jit_compile=False)
    data = tf.data.Dataset.from_tensors(batch()).repeat()
    history = model.fit(data, steps_per_epoch=60, epochs=2, verbose=0).history
    assert history["word_nll"][-1] < 0.1


def test_the_encoder_by_itself_gives_the_models_vectors(model):
    encoder = model.sentence_encoder(VOCABULARY)
    captions = [" ".join(VOCABULARY.words(row)) for row in IDS]
    np.testing.assert_allclose(encoder(tf.constant(captions)), model.encoder(IDS), atol=1e-6)
