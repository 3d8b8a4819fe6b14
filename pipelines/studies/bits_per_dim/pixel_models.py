"""Simple models of pixels, fitted to the training pictures: what a system has to beat.

All give probabilities of 8-bit pixels, and so lengths in bits, per pixel and channel. Pictures are
uint8 [n, H, W, C].
"""

from collections.abc import Iterator

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.special import log_ndtr

VALUES = 256
ROUNDING = 1 / 12  # variance of the noise in [-1/2, 1/2] that fills a grey level
SHRINKAGE = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # candidates
HELD_BACK = 10  # every tenth training picture chooses among them
BLOCK = 2_048  # pictures at a time
MOST_DIMS = 4_096  # of a full covariance: beyond, it takes gigabytes and minutes


def histogram_bits(train: np.ndarray, images: np.ndarray) -> np.ndarray:
    """By the share of each value in a channel of the training pictures, wherever it stands.

    Every value is counted once more than it occurs, so that none is impossible. Returns [n].
    """
    bits = np.empty(images.shape)
    for c in range(images.shape[-1]):
        counts = 1 + np.bincount(train[..., c].ravel(), minlength=VALUES)
        bits[..., c] = -np.log2(counts / counts.sum())[images[..., c]]
    return _rows(bits).mean(1)


def pixelwise_gaussian_bits(train: np.ndarray, images: np.ndarray) -> np.ndarray:
    """By a Gaussian for each pixel and channel, with the training pictures' mean and variance.

    The probability of a value is the mass within half a grey level; black and white have the tails
    too. Returns [n].
    """
    x, mean = np.float64(_rows(images)), _mean(train)
    variance = sum(((block - mean) ** 2).sum(0) for block in _blocks(train)) / len(train)
    sigma = np.sqrt(variance + ROUNDING)
    low = np.where(x == 0, -np.inf, (x - 0.5 - mean) / sigma)
    high = np.where(x == VALUES - 1, np.inf, (x + 0.5 - mean) / sigma)
    # Of the two tails, the mass is taken in the one where it is no difference of numbers near 1.
    flip = low > 0
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    log_low, log_high = log_ndtr(low), log_ndtr(high)
    log_mass = log_high + np.log1p(-np.exp(log_low - log_high))
    return -log_mass.mean(1) / np.log(2)


def full_gaussian_bits(train: np.ndarray, images: np.ndarray, seed: int = 0) -> np.ndarray | None:
    """By one Gaussian with a full covariance over all pixels and channels.

    The mass of a picture is an integral over a cube, which has no closed form. Uniform noise that
    fills the grey levels gives a bound: the mean of -log2 of the density at the noisy picture is at
    least the number of bits (Theis et al. 2016). The density is fitted to pictures with such noise,
    whose covariance is known: that of the pictures, plus 1/12 in each dimension.

    The covariance is shrunk towards its diagonal, by the share that a tenth of the training
    pictures, which do not count in it, prefer.

    Returns:
        [n]; None with more than `MOST_DIMS` dimensions.
    """
    if images[0].size > MOST_DIMS:
        return None
    held_back = np.arange(len(train)) % HELD_BACK == 0
    noise = np.random.default_rng(seed)
    choosing, x = (_dequantized(_rows(some), noise) for some in (train[held_back], images))
    kept = train[~held_back]
    mean = _mean(kept)
    centred = (block - mean for block in _blocks(kept))
    covariance = sum(block.T @ block for block in centred) / len(kept)
    best, bits = np.inf, np.full(len(x), np.nan)
    for share in SHRINKAGE:
        factor = cholesky(_shrunk(covariance, share), lower=True, overwrite_a=True)
        found = _density_bits(np.concatenate([choosing, x]) - mean, factor)
        if found[: len(choosing)].mean() < best:
            best, bits = found[: len(choosing)].mean(), found[len(choosing) :]
    return bits


def _rows(images: np.ndarray) -> np.ndarray:
    """[n, D]."""
    return images.reshape(len(images), -1)


def _blocks(images: np.ndarray) -> Iterator[np.ndarray]:
    """[`BLOCK`, D] as float64: all pictures at once would take eight times their memory."""
    for start in range(0, len(images), BLOCK):
        yield np.float64(_rows(images[start : start + BLOCK]))


def _mean(images: np.ndarray) -> np.ndarray:
    """[D]."""
    return sum(block.sum(0) for block in _blocks(images)) / len(images)


def _dequantized(rows: np.ndarray, noise: np.random.Generator) -> np.ndarray:
    return rows + noise.uniform(-0.5, 0.5, rows.shape)


def _shrunk(covariance: np.ndarray, share: float) -> np.ndarray:
    """With entries off the diagonal smaller by a share, and the variance of the rounding."""
    shrunk = (1 - share) * covariance
    np.fill_diagonal(shrunk, covariance.diagonal() + ROUNDING)
    return shrunk


def _density_bits(centred: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """-log2 N(0, factor factor^T) of rows, per dimension."""
    whitened = solve_triangular(factor, centred.T, lower=True)
    nats = 0.5 * (whitened**2).mean(0) + np.log(factor.diagonal()).mean() + np.log(2 * np.pi) / 2
    return nats / np.log(2)
