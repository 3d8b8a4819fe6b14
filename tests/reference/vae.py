"""The conditional, fully-connected VAE, for one image [H, W, C] and its sentence vector [D]."""

from typing import NamedTuple

import numpy as np

from tests.reference.adversarial import relu
from tests.reference.caption import sigmoid
from tests.reference.draw import affine, bernoulli_nll, gaussian_kl


class Weights(NamedTuple):
    """Kernel and bias of every affine map; images are flattened row, column, channel."""

    text: tuple
    encoder: list
    posterior: tuple
    decoder: list  # the last is linear
    raw_log_sigma: float


def read(w, sentence):
    """Rescaled to a mean square of 1."""
    return relu(affine(sentence / np.sqrt(np.mean(sentence**2)), w.text))


def posterior(w, image, text):
    """Mean and sigma of q(z | x, y)."""
    features = image.ravel()
    for layer in w.encoder:
        features = relu(affine(features, layer))
    mean, log_variance = np.split(affine(np.concatenate([features, text]), w.posterior), 2)
    return mean, np.exp(log_variance) ** 0.5


def draw(w, z, text, shape):
    """The mean of p(x | y, z)."""
    code = np.concatenate([z, text])
    for layer in w.decoder[:-1]:
        code = relu(affine(code, layer))
    return sigmoid(affine(code, w.decoder[-1])).reshape(shape)


def sigma(w):
    return 1 / 255 + np.exp(w.raw_log_sigma)


def bound(w, image, sentence, noise):
    """-log p(x | y, z) as a density, KL, and -log p(x | y, z) as Bernoulli, nats."""
    text = read(w, sentence)
    mean, scale = posterior(w, image, text)
    drawn = draw(w, mean + scale * noise, text, image.shape)
    residual = (image - drawn) / sigma(w)
    density = np.exp(-0.5 * residual**2) / (sigma(w) * np.sqrt(2 * np.pi))
    kl = gaussian_kl((mean, scale), (np.zeros_like(mean), np.ones_like(mean)))
    return -np.log(density).sum(), kl, bernoulli_nll(image, np.clip(drawn, 1 / 510, 509 / 510))
