"""alignDRAW (Mansimov et al. 2016, section 3), for one image [H, W, C] and its caption."""

from typing import NamedTuple

import numpy as np

from tests.reference import attention, caption
from tests.reference.caption import lstm_step, sigmoid


class Weights(NamedTuple):
    """Patches are flattened in the order row, column, channel; `align` is None in noalignDRAW."""

    embedding: np.ndarray
    forward: tuple  # kernel, recurrent kernel, bias, of every LSTM
    backward: tuple
    align: tuple | None  # key, bias, query, score
    encoder: tuple
    decoder: tuple
    posterior: tuple  # kernel, bias, of every affine map
    prior: tuple
    read_window: tuple
    write_window: tuple
    write_patch: tuple
    initial: tuple  # encoder h and c, decoder h and c
    read_size: int
    write_size: int
    initial_canvas: float | np.ndarray  # of every pixel, or [H, W, C]
    authors_window: bool = False
    initial_words: np.ndarray | None = None  # of both caption LSTMs, which then read as the authors


class State(NamedTuple):
    encoder_h: np.ndarray
    encoder_c: np.ndarray
    decoder_h: np.ndarray
    decoder_c: np.ndarray
    canvas: np.ndarray  # [H, W, C], logits


class StepOutput(NamedTuple):
    """What a step returns beside its state."""

    alignment: np.ndarray
    window: np.ndarray
    posterior: tuple | None  # mean, sigma
    prior: tuple


def affine(x, weights):
    kernel, bias = weights
    return x @ kernel + bias


def initial_state(w, shape):
    return State(*w.initial, np.full(shape, w.initial_canvas, float))


def prior(w, state, t):
    """P(Z_1) = N(0, I); later the mean and the log of sigma are tanh of an affine map."""
    outputs = np.tanh(affine(state.decoder_h, w.prior))
    mean, log_sigma = np.split(outputs if t > 0 else np.zeros_like(outputs), 2)
    return mean, np.exp(log_sigma)


def infer_step(w, image, states, state, noise, t):
    """Read the image and its error, infer z, draw."""
    parameters = affine(state.decoder_h, w.read_window)
    read_window = attention.window(parameters, *image.shape[:2], w.read_size, w.authors_window)
    f_y, f_x = attention.filterbanks(read_window, w.read_size, *image.shape[:2])
    error = image - sigmoid(state.canvas)
    glimpse = read_window.intensity * np.concatenate(
        [attention.read(image, f_y, f_x).ravel(), attention.read(error, f_y, f_x).ravel()]
    )
    inputs = np.concatenate([glimpse, state.decoder_h])
    h, c = lstm_step(inputs, state.encoder_h, state.encoder_c, *w.encoder)
    mean, half_log_sigma = np.split(affine(h, w.posterior), 2)
    sigma = np.exp(0.5 * half_log_sigma)
    given = prior(w, state, t)
    state = state._replace(encoder_h=h, encoder_c=c)
    state, alignment, window = draw(w, states, state, mean + sigma * noise)
    return state, StepOutput(alignment, window, (mean, sigma), given)


def generate_step(w, states, state, noise, t):
    """Sample z from the prior, draw."""
    mean, sigma = prior(w, state, t)
    state, alignment, window = draw(w, states, state, mean + sigma * noise)
    return state, StepOutput(alignment, window, None, (mean, sigma))


def draw(w, states, state, z):
    """Attend to the words, decode z, write on the canvas."""
    h = state.decoder_h
    context, alignment = caption.align(states, h, *w.align) if w.align else caption.average(states)
    h, c = lstm_step(np.concatenate([z, context]), h, state.decoder_c, *w.decoder)
    height, width, channels = state.canvas.shape
    parameters = affine(h, w.write_window)
    window = attention.window(parameters, height, width, w.write_size, w.authors_window)
    f_y, f_x = attention.filterbanks(window, w.write_size, height, width)
    patch = affine(h, w.write_patch).reshape(w.write_size, w.write_size, channels)
    canvas = state.canvas + attention.write(patch, f_y, f_x) / window.intensity
    state = state._replace(decoder_h=h, decoder_c=c, canvas=canvas)
    return state, alignment, attention.extent(window, w.write_size)


def gaussian_kl(q, p):
    """KL between diagonal Gaussians, each (mean, sigma), nats."""
    (mean_q, sigma_q), (mean_p, sigma_p) = q, p
    variances = (sigma_q**2 + (mean_q - mean_p) ** 2) / sigma_p**2
    return np.sum(np.log(sigma_p / sigma_q) + (variances - 1) / 2)


def bernoulli_nll(image, probability):
    return -np.sum(image * np.log(probability) + (1 - image) * np.log(1 - probability))


def encode(w, token_ids):
    words = token_ids, w.embedding, w.forward, w.backward
    if w.initial_words is None:
        return caption.encode(*words)
    return caption.encode_as_authors(*words, w.initial_words)


def bound(w, image, token_ids, noise):
    """-log p(x | z, y) and the KL of every step, nats; noise is [T, Z]."""
    states = encode(w, token_ids)
    state = initial_state(w, image.shape)
    kls = []
    for t, noise_t in enumerate(noise):
        state, output = infer_step(w, image, states, state, noise_t, t)
        kls.append(gaussian_kl(output.posterior, output.prior))
    return bernoulli_nll(image, sigmoid(state.canvas)), np.array(kls)


def generate(w, token_ids, noise, shape):
    """Canvases [T, H, W, C] in [0, 1], and the output of each step."""
    states = encode(w, token_ids)
    state = initial_state(w, shape)
    canvases, outputs = [], []
    for t, noise_t in enumerate(noise):
        state, step = generate_step(w, states, state, noise_t, t)
        canvases.append(sigmoid(state.canvas))
        outputs.append(step)
    return np.array(canvases), outputs


def guided_step(w, both, states, noise, t, guidance):
    """A step of two states, given the caption and given another, on one z."""
    (mean, sigma), (other_mean, other_sigma) = (prior(w, state, t) for state in states)
    mean = extrapolated(mean, other_mean, guidance)
    sigma = np.exp(extrapolated(np.log(sigma), np.log(other_sigma), guidance))
    z = mean + sigma * noise
    drawn = [draw(w, words, state, z) for words, state in zip(both, states, strict=True)]
    states, alignments, windows = zip(*drawn, strict=True)
    canvas = extrapolated(states[0].canvas, states[1].canvas, guidance)
    return states, canvas, StepOutput(alignments[0], windows[0], None, (mean, sigma))


def extrapolated(given, other, guidance):
    return (1 + guidance) * given - guidance * other


def generate_guided(w, token_ids, other_ids, noise, guidance, shape):
    """As `generate`, away from another caption."""
    both = encode(w, token_ids), encode(w, other_ids)
    states = (initial_state(w, shape),) * 2
    canvases, outputs = [], []
    for t, noise_t in enumerate(noise):
        states, canvas, step = guided_step(w, both, states, noise_t, t, guidance)
        canvases.append(sigmoid(canvas))
        outputs.append(step)
    return np.array(canvases), outputs
