"""Word dropout: training reads some words as unknown, and memorises captions less.

Not in the paper: our choice, where photographs are few. A caption of its own tells a model which
training picture is meant; with words missing, it has to draw what the others say. And the unknown
word, which no training caption has where `prepare` keeps every word, is trained.
"""

from dataclasses import dataclass

import tensorflow as tf

from pipelines.data.batches.random_change import change_at_random
from t2i_tf.text.vocabulary import UNKNOWN

_STREAM = 0x776F7264  # sets the words apart from other draws of the same seed


@dataclass(frozen=True)
class WordDropout:
    """Replaces each word of a batch's captions by the unknown one, with the same probability.

    Attributes:
        share: probability of a word to be replaced, from 0 to 1.
        seed: with the step, determines the words of a batch.
    """

    share: float
    seed: int

    def __call__(self, batches: tf.data.Dataset, start_step: int = 0) -> tf.data.Dataset:
        """The batches from `start_step` on, with words replaced in `token_ids`, int32 [B, N]."""

        def drop(key, batch):
            ids = batch["token_ids"]
            dropped = tf.random.stateless_uniform(tf.shape(ids), key) < self.share
            dropped &= ids > UNKNOWN  # padding stays
            return batch | {"token_ids": tf.where(dropped, UNKNOWN, ids)}

        return change_at_random(batches, start_step, (self.seed, _STREAM), drop)
