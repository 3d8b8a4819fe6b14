"""The caption that says nothing in particular: y_mean of the paper's retrieval."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from t2i_tf.checkpoints import Trained

CAPTIONS = 5000  # that the mean is taken of, at most
_BATCH = 100


def mean_caption(trained: Trained, captions: Sequence[str]) -> np.ndarray:
    """The mean sentence representation of a training set, float32 [D]: a model reads it as one.

    The paper does not say what it is for each system; here

    - where a system reads sentence vectors it is their mean, which is 0: they were standardized on
      captions of the training split. The mean of other captions would be a small vector of chance,
      and a VAE, which scales vectors to one length, would read it as some caption or other;
    - where a system reads words it is the mean over captions of the average of their words' states.
      For noalignDRAW that is the mean of exactly what its decoder is given; alignDRAW sees it as a
      caption of one word, so that there is nothing to choose from.

    Args:
        captions: of the training split.
    """
    model = trained.model
    if model.reads == "sentence":
        return np.zeros(trained.config.model.sentence_units, np.float32)
    represent = tf.function(lambda strings: model.represent(trained.reader(strings)))
    chosen = np.random.default_rng(0).permutation(len(captions))[:CAPTIONS]
    total = 0.0
    for start in range(0, len(chosen), _BATCH):
        strings = tf.constant([captions[k] for k in chosen[start : start + _BATCH]])
        total = total + represent(strings).numpy().astype(np.float64).sum(0)
    return (total / len(chosen)).astype(np.float32)
