"""The mean caption y_mean of the paper's retrieval: a caption that names nothing in particular."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from t2i_tf.checkpoints import Trained

CAPTIONS = 5000  # captions averaged at most
_BATCH = 100


def mean_caption(trained: Trained, captions: Sequence[str]) -> np.ndarray:
    """The mean sentence representation of the training captions, float32 [D].

    A model reads it in place of a caption. The paper does not define it for each system; here it is

    - for systems that read sentence vectors, the mean of these vectors, which is 0: they were
      standardized on captions of the training split. The mean of a sample of captions would be a
      small random vector, and a VAE, which normalizes vectors to one length, would read that as an
      arbitrary caption;
    - for systems that read words, the mean over captions of the average state of their words. This
      is the mean of exactly what noalignDRAW's decoder reads; alignDRAW reads it as a caption of
      one word, which leaves its attention no choice.

    Args:
        trained: System that reads the caption.
        captions: Captions of the training split.
    """
    model = trained.model
    if model.reads == "sentence":
        return np.zeros(trained.config.model.sentence_units, np.float32)
    represent = tf.function(
        lambda strings: model.represent(trained.reader(strings)), autograph=False
    )
    sample = np.random.default_rng(0).permutation(len(captions))[:CAPTIONS]
    total = 0.0
    for start in range(0, len(sample), _BATCH):
        strings = tf.constant([captions[k] for k in sample[start : start + _BATCH]])
        total = total + represent(strings).numpy().astype(np.float64).sum(0)
    return (total / len(sample)).astype(np.float32)
