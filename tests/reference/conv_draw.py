"""ConvDRAW for one image [H, W, C] and its caption, place by place."""

from typing import NamedTuple

import numpy as np

from tests.reference import caption
from tests.reference.convolution import convolve
from tests.reference.draw import affine, bernoulli_nll, extrapolated, gaussian_kl, sigmoid


class Weights(NamedTuple):
    embedding: np.ndarray
    forward: tuple  # kernel, recurrent kernel, bias, of the caption's LSTMs
    backward: tuple
    attention: tuple  # key, value, query kernel, query bias
    encoder: tuple  # message [k, k, U, M]; kernel and bias of the gates
    decoder: tuple
    read: tuple  # kernel, bias, of every affine map
    posterior: tuple
    prior: tuple
    write: tuple
    initial: (
        tuple  # at each scale, from coarse to fine: encoder h and c, decoder h and c, [h, w, U]
    )
    side: int
    initial_canvas: float


class State(NamedTuple):
    encoder_h: np.ndarray  # [h, w, U]
    encoder_c: np.ndarray
    decoder_h: np.ndarray
    decoder_c: np.ndarray
    canvas: np.ndarray  # [H, W, C], logits; H and W are multiples of the side


class StepOutput(NamedTuple):
    """What a step returns beside its state."""

    posterior: tuple | None  # mean, sigma
    prior: tuple
    alignment: np.ndarray  # mean over the places, [N]


def image_of(canvas):
    """What a canvas shows, in [0, 1], under the paper's likelihood."""
    return sigmoid(canvas)


def encode(w, token_ids):
    return caption.encode(token_ids, w.embedding, w.forward, w.backward)


def initial_state(w, channels):
    rows, columns = w.initial[0][0].shape[:2]
    shape = rows * w.side, columns * w.side, channels
    return State(*w.initial[0], np.full(shape, w.initial_canvas))


def scales_and_noise(w, noise):
    """Scale, whether a step is its first, and the noise [h, w, z], for all steps; noise is [T, Z].

    A scale has as many steps as another, or one more if it is finer.
    """
    shares = [len(part) for part in np.array_split(noise, len(w.initial))][::-1]
    latents = len(w.prior[1]) // 2
    for scale, steps in enumerate(shares):
        grid = w.initial[scale][0].shape[:2]
        for step in range(steps):
            t = sum(shares[:scale]) + step
            yield scale, step == 0, noise[t, : np.prod(grid) * latents].reshape(*grid, latents)


def finer(w, state, scale):
    """The state that a scale begins with: places and pixels four times, plus learned states."""
    rows, columns = w.initial[scale][0].shape[:2]
    hidden = [
        repeated(old, 2)[:rows, :columns] + learned
        for old, learned in zip(state[:4], w.initial[scale], strict=True)
    ]
    return State(*hidden, repeated(state.canvas, 2)[: rows * w.side, : columns * w.side])


def repeated(array, factor):
    return array.repeat(factor, axis=0).repeat(factor, axis=1)


def in_small(w, image, scale):
    """The image at a scale: means of 2 x 2 pixels, of those that there are at the edge."""
    for _ in range(len(w.initial) - 1 - scale):
        height, width = image.shape[:2]
        image = np.array(
            [
                [image[y : y + 2, x : x + 2].mean((0, 1)) for x in range(0, width, 2)]
                for y in range(0, height, 2)
            ]
        )
    return image


def shown(w, canvas, scale, shape):
    """A canvas as a picture of full size."""
    full = repeated(canvas, 2 ** (len(w.initial) - 1 - scale))
    return image_of(full[: shape[0], : shape[1]])


def padded(w, image):
    """Zeros at the bottom and at the right, so that the sides are multiples of a place's."""
    beyond = [(0, -length % w.side) for length in image.shape[:2]]
    return np.pad(image, [*beyond, (0, 0)])


def square(w, image, y, x):
    """The pixels of a place, in the order row, column, channel."""
    side = w.side
    return image[y * side : (y + 1) * side, x * side : (x + 1) * side].ravel()


def view(h, lstm):
    message = lstm[0]
    return np.concatenate([h, convolve(h, message, np.zeros(message.shape[-1]))], axis=-1)


def lstm_step(seen, inputs, c, lstm, drive=0):
    """At one place; the gates stand in the order i, f, g, o."""
    _, kernel, bias = lstm
    i, f, g, o = np.split(np.concatenate([seen, inputs]) @ kernel + bias + drive, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def attend(w, states, seen):
    """Scaled dot products of one place with all words: context and alignment."""
    key, value, query, bias = w.attention
    energies = np.array([(h @ key) @ (seen @ query + bias) for h in states]) / np.sqrt(len(bias))
    weights = np.exp(energies - energies.max())
    alpha = weights / weights.sum()
    return alpha @ (states @ value), alpha


def attend_everywhere(w, states, state):
    """Drive of the gates [h, w, 4 U], prior (mean, sigma) [h, w, z], alignment [h, w, N]."""
    grid = state.decoder_h.shape[:2]
    latents = len(w.prior[1]) // 2
    seen = view(state.decoder_h, w.decoder)
    drive = np.zeros((*grid, len(w.decoder[2])))
    mean, sigma = np.zeros((*grid, latents)), np.zeros((*grid, latents))
    alignment = np.zeros((*grid, len(states)))
    for y, x in np.ndindex(*grid):
        context, alignment[y, x] = attend(w, states, seen[y, x])
        outputs = affine(seen[y, x], w.prior) + context[: 2 * latents]
        mean[y, x], sigma[y, x] = outputs[:latents], np.exp(np.tanh(outputs[latents:]))
        drive[y, x] = context[2 * latents :]
    return drive, (mean, sigma), alignment


def infer_step(w, image, states, state, noise):
    """Read the image and its error, infer z, draw; noise is [h, w, z]."""
    drive, prior, alignment = attend_everywhere(w, states, state)
    image = padded(w, image)
    error = image - image_of(state.canvas)
    grid, latents = state.encoder_h.shape[:2], noise.shape[-1]
    seen, above = view(state.encoder_h, w.encoder), view(state.decoder_h, w.decoder)
    h, c = np.zeros_like(state.encoder_h), np.zeros_like(state.encoder_c)
    for y, x in np.ndindex(*grid):
        pixels = np.concatenate([square(w, image, y, x), square(w, error, y, x)])
        features = np.maximum(affine(pixels, w.read), 0)
        inputs = np.concatenate([above[y, x], features])
        h[y, x], c[y, x] = lstm_step(seen[y, x], inputs, state.encoder_c[y, x], w.encoder)
    outputs = affine(view(h, w.encoder), w.posterior)
    mean, sigma = outputs[..., :latents], np.exp(outputs[..., latents:])
    state = state._replace(encoder_h=h, encoder_c=c)
    state = draw(w, state, drive, mean + sigma * noise)
    return state, StepOutput((mean, sigma), prior, alignment.mean((0, 1)))


def generate_step(w, states, state, noise):
    """Sample z from the prior, draw."""
    drive, (mean, sigma), alignment = attend_everywhere(w, states, state)
    state = draw(w, state, drive, mean + sigma * noise)
    return state, StepOutput(None, (mean, sigma), alignment.mean((0, 1)))


def draw(w, state, drive, z):
    """Decode z at every place, write on the canvas."""
    seen, picture = view(state.decoder_h, w.decoder), image_of(state.canvas)
    h, c = np.zeros_like(state.decoder_h), np.zeros_like(state.decoder_c)
    for y, x in np.ndindex(*h.shape[:2]):
        inputs = np.concatenate([z[y, x], square(w, picture, y, x)])
        old = state.decoder_c[y, x]
        h[y, x], c[y, x] = lstm_step(seen[y, x], inputs, old, w.decoder, drive[y, x])
    canvas, side = state.canvas.copy(), w.side
    written = affine(view(h, w.decoder), w.write)
    for y, x in np.ndindex(*h.shape[:2]):
        patch = written[y, x].reshape(side, side, -1)
        canvas[y * side : (y + 1) * side, x * side : (x + 1) * side] += patch
    return state._replace(decoder_h=h, decoder_c=c, canvas=canvas)


def bound(w, image, token_ids, noise):
    """-log p(x | z, y) and the KL of every step, nats; noise is [T, Z]."""
    canvas, kls = infer(w, image, token_ids, noise)
    return bernoulli_nll(image, sigmoid(canvas)), kls


def infer(w, image, token_ids, noise):
    """The last canvas [H, W, C] and the KL of every step, nats; noise is [T, Z]."""
    states, state = encode(w, token_ids), initial_state(w, image.shape[-1])
    kls = []
    for scale, begins, noise_t in scales_and_noise(w, noise):
        if begins and scale:
            state = finer(w, state, scale)
        state, output = infer_step(w, in_small(w, image, scale), states, state, noise_t)
        kls.append(gaussian_kl(output.posterior, output.prior))
    height, width = image.shape[:2]
    return state.canvas[:height, :width], np.array(kls)


def generate(w, token_ids, noise, shape):
    """Canvases [T, H, W, C] in [0, 1], and alignments [T, N]."""
    states, state = encode(w, token_ids), initial_state(w, shape[-1])
    canvases, alignments = [], []
    for scale, begins, noise_t in scales_and_noise(w, noise):
        if begins and scale:
            state = finer(w, state, scale)
        state, output = generate_step(w, states, state, noise_t)
        canvases.append(shown(w, state.canvas, scale, shape))
        alignments.append(output.alignment)
    return np.array(canvases), np.array(alignments)


def generate_guided(w, token_ids, other_ids, noise, guidance, shape):
    """As `generate`, away from another caption."""
    both = encode(w, token_ids), encode(w, other_ids)
    states = [initial_state(w, shape[-1])] * 2
    canvases, alignments = [], []
    for scale, begins, noise_t in scales_and_noise(w, noise):
        if begins and scale:
            states = [finer(w, state, scale) for state in states]
        drives, priors, attended = zip(
            *(attend_everywhere(w, *pair) for pair in zip(both, states, strict=True)), strict=True
        )
        (mean, sigma), (other_mean, other_sigma) = priors
        sigma = np.exp(extrapolated(np.log(sigma), np.log(other_sigma), guidance))
        z = extrapolated(mean, other_mean, guidance) + sigma * noise_t
        states = [draw(w, state, drive, z) for state, drive in zip(states, drives, strict=True)]
        canvas = extrapolated(states[0].canvas, states[1].canvas, guidance)
        canvases.append(shown(w, canvas, scale, shape))
        alignments.append(attended[0].mean((0, 1)))
    return np.array(canvases), np.array(alignments)
