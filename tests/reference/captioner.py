"""The image captioner for one image, equation by equation."""

from typing import NamedTuple

import numpy as np

from tests.reference.caption import align, lstm_step
from tests.reference.convolution import convolve


class Weights(NamedTuple):
    convolutions: list  # (kernel [k, k, in, out], bias, stride)
    positions: np.ndarray  # [G, D]
    embedding: np.ndarray
    start: tuple
    align: tuple  # key kernel, key bias, query kernel, score
    lstm: tuple
    readout: tuple
    vocabulary: tuple
    normalized: bool = False  # features of each position


def encode_image(w, image):
    """Features [G, D] of an image in [0, 1]."""
    image = 2 * image - 1
    for convolution in w.convolutions:
        image = np.maximum(convolve(image, *convolution), 0)
    features = image.reshape(-1, image.shape[-1])
    if w.normalized:
        features = np.array([(f - f.mean()) / np.sqrt(f.var() + 1e-3) for f in features])
    return features + w.positions


def initial_state(w, features):
    kernel, bias = w.start
    return np.split(np.tanh(features.mean(0) @ kernel + bias), 2)


def step(w, features, state, word):
    """The state after a word, log-probabilities of the next [V], and the attention [G]."""
    embedded = w.embedding[word]
    context, attention = align(features, state[0], *w.align)
    state = lstm_step(np.concatenate([embedded, context]), *state, *w.lstm)
    kernel, bias = w.readout
    deep_output = np.tanh(np.concatenate([state[0], context, embedded]) @ kernel + bias)
    kernel, bias = w.vocabulary
    logits = deep_output @ kernel + bias
    return state, logits - np.logaddexp.reduce(logits), attention


def log_probability(w, image, words):
    """log p(words, end | image), nats, and how many of the words are the most probable ones."""
    features = encode_image(w, image)
    state, total, right = initial_state(w, features), 0.0, 0
    for given, target in zip([0, *words], [*words, 0], strict=True):
        state, log_p, _ = step(w, features, state, given)
        total += log_p[target]
        right += log_p.argmax() == target
    return total, right


def greedy(w, image, max_words):
    """Greedy search: words, their log-probability, and the attention of each."""
    features = encode_image(w, image)
    state, words, total, attentions = initial_state(w, features), [], 0.0, []
    for t in range(max_words + 1):
        state, log_p, attention = step(w, features, state, words[-1] if words else 0)
        allowed = log_p.copy()
        allowed[1] = -np.inf  # unknown
        if t == 0:
            allowed[0] = -np.inf
        if t == max_words:
            allowed[1:] = -np.inf
        word = allowed.argmax()
        total += log_p[word]
        if word == 0:
            break
        words.append(int(word))
        attentions.append(attention)
    return words, total, np.array(attentions)
