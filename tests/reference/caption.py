"""The language model and the alignment for one caption."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_step(x, h, c, kernel, recurrent, bias):
    """No peepholes; the gates stand in the order i, f, g, o."""
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def lstm(inputs, weights, initial=None):
    """States [N, U] over the inputs [N, D], from zero or from an initial h."""
    h = c = np.zeros(len(weights[1]))
    h = h if initial is None else initial
    states = []
    for x in inputs:
        h, c = lstm_step(x, h, c, *weights)
        states.append(h)
    return np.array(states)


def encode(token_ids, embedding, forward, backward):
    """h_j = [forward_j, backward_j] of the words before the padding: [N, 2U]."""
    words = [embedding[token] for token in token_ids if token != 0]
    return np.concatenate([lstm(words, forward), lstm(words[::-1], backward)[::-1]], axis=-1)


def encode_as_authors(token_ids, embedding, first, second, initial):
    """Both LSTMs from the left, from one initial h: [N, 2U]."""
    words = [embedding[token] for token in token_ids if token != 0]
    return np.concatenate([lstm(words, first, initial), lstm(words, second, initial)], axis=-1)


def align(states, decoder_h, key, bias, query, score):
    """s = sum_j alpha_j h_j with alpha = softmax(v . tanh(U h_j + W h + b)): s and alpha."""
    energies = [score @ np.tanh(state @ key + decoder_h @ query + bias) for state in states]
    weights = np.exp(energies - np.max(energies))
    alpha = weights / weights.sum()
    return sum(a * state for a, state in zip(alpha, states, strict=True)), alpha


def average(states):
    """noalignDRAW: the mean state, and the even weights that give it."""
    return np.mean(states, axis=0), np.full(len(states), 1 / len(states))
