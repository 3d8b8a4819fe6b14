"""Tiny systems and data for the tests of evaluation."""

import dataclasses

import numpy as np
import tensorflow as tf

from t2i_tf.checkpoints import Trained
from t2i_tf.models import build_model
from t2i_tf.presets import preset
from t2i_tf.text.tokenizer import Tokenizer, TokenReader
from t2i_tf.text.vocabulary import Vocabulary

WORDS = ("a", "red", "green", "bus", "dog", "old", "new", "tree")
VOCABULARY = Vocabulary.from_counts(dict.fromkeys(WORDS, 1))
UNITS = 5  # size of a sentence vector


class _Vectors:
    """A stand-in for a sentence encoder: a vector that depends on the caption's hash."""

    vocabulary = VOCABULARY

    def __call__(self, captions):
        codes = tf.strings.to_hash_bucket_fast(captions, 1000)
        return tf.sin(tf.cast(codes, tf.float32)[:, None] * tf.range(1.0, 1.0 + UNITS))


vectors = _Vectors()


def system(name, scale=None, caption_dropout=0.0, **sizes):
    """An untrained system of a preset, without XLA; with `scale`, its weights are N(0, scale^2)."""
    config = preset(f"{name}-tiny").config
    known = {field.name for field in dataclasses.fields(config.model)}
    if not sizes.get("sentence_units", getattr(config.model, "sentence_units", 0)):
        sizes["vocabulary_size"] = len(VOCABULARY)
        reader = TokenReader(Tokenizer(VOCABULARY, config.max_words))
    else:
        sizes["sentence_units"], reader = UNITS, vectors
    sizes = {"height": 8, "width": 8} | sizes
    model = dataclasses.replace(config.model, **{k: v for k, v in sizes.items() if k in known})
    built = build_model(model, caption_dropout=caption_dropout)
    if scale:
        random = np.random.default_rng(0)
        for weight in built.weights:
            weight.assign(scale * random.standard_normal(weight.shape))
    config = dataclasses.replace(config, model=model, xla=False)
    return Trained(built, config, VOCABULARY, reader, 0)


def captioned(count, seed=0, shape=(8, 8, 3)):
    """Random images uint8 [count, H, W, C], and a caption of each."""
    random = np.random.default_rng(seed)
    captions = [" ".join(random.choice(WORDS, 4)) for _ in range(count)]
    return random.integers(0, 256, (count, *shape), np.uint8), captions
