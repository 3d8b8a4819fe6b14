"""Skip-thought vectors in NumPy, from the published arrays as they are."""

import numpy as np


def gru(vectors, archive, prefix):
    """The last state of a GRU over word vectors [N, E]: gates r and u, then the proposal."""
    w, b, u = (archive[f"{prefix}_{name}"] for name in ("W", "b", "U"))
    wx, bx, ux = (archive[f"{prefix}_{name}"] for name in ("Wx", "bx", "Ux"))
    units = len(ux)
    state = np.zeros(units)
    for x in vectors:
        gates = 1 / (1 + np.exp(-(x @ w + b + state @ u)))
        reset, update = gates[:units], gates[units:]
        proposal = np.tanh(x @ wx + bx + reset * (state @ ux))
        state = update * state + (1 - update) * proposal
    return state


def encode(words, dictionary, utable, btable, uni, bi):
    """The vector of a caption's words: uni-skip and bi-skip, each of length 1."""
    rows = [dictionary.index(word if word in dictionary else "UNK") for word in words]
    first = gru(utable[rows], uni, "encoder")
    there = gru(btable[rows], bi, "encoder")
    back = gru(btable[rows[::-1]], bi, "encoder_r")
    second = np.concatenate([there, back])
    return np.concatenate([first / np.linalg.norm(first), second / np.linalg.norm(second)])
