"""DRAW's spatial attention (Gregor et al. 2015, section 3.2), for one image [H, W, C].

By the authors' convention, the grid and the division are those of their code.
"""

from typing import NamedTuple

import numpy as np


class Window(NamedTuple):
    centre_x: float
    centre_y: float
    stride: float
    variance: float
    intensity: float
    authors: bool = False


def window(parameters, height, width, size, authors=False):
    """Equations 21 to 24, with pixels counted from 0: the image's middle is (W - 1) / 2.

    The authors count from 1 here: theirs is (W + 1) / 2.
    """
    x, y, log_stride, log_variance, log_intensity = parameters
    one = 1 if authors else -1
    return Window(
        centre_x=(width + one) / 2 * (1 + x),
        centre_y=(height + one) / 2 * (1 + y),
        stride=(max(height, width) - 1) / (size - 1) * np.exp(log_stride),
        variance=np.exp(log_variance),
        intensity=np.exp(log_intensity),
        authors=authors,
    )


def place(i, size, authors):
    """Where filter i lies, in strides from the centre; the authors divide whole numbers."""
    return i - size // 2 - 0.5 if authors else i - (size - 1) / 2


def filterbank(centre, stride, variance, size, length, authors=False):
    """Equations 19, 20, 25 and 26: [size, length], every row sums to one (almost: authors)."""
    bank = np.zeros((size, length))
    for i in range(size):
        mean = centre + place(i, size, authors) * stride
        exponents = np.array([-((a - mean) ** 2) / (2 * variance) for a in range(length)])
        if authors:
            weights = np.exp(exponents)
            bank[i] = weights / (weights.sum() + 1e-4)
            continue
        weights = np.exp(exponents - exponents.max())
        bank[i] = weights / weights.sum()
    return bank


def filterbanks(window, size, height, width):
    """F_y [size, H] and F_x [size, W]."""
    grid = window.stride, window.variance, size
    return (
        filterbank(window.centre_y, *grid, height, window.authors),
        filterbank(window.centre_x, *grid, width, window.authors),
    )


def read(image, f_y, f_x):
    """Equation 27 without its intensity: F_y x F_x^T, [P, P, C]."""
    return np.einsum("ia,abc,jb->ijc", f_y, image, f_x)


def write(patch, f_y, f_x):
    """Equation 29 without its intensity: F_y^T w F_x, [H, W, C]."""
    return np.einsum("ia,ijc,jb->abc", f_y, patch, f_x)


def extent(window, size):
    """Top, left, bottom, right of the grid's outermost filters."""
    first, last = (place(i, size, window.authors) * window.stride for i in (0, size - 1))
    return np.array(
        [
            window.centre_y + first,
            window.centre_x + first,
            window.centre_y + last,
            window.centre_x + last,
        ]
    )
