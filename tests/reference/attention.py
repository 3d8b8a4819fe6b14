"""DRAW's spatial attention (Gregor et al. 2015, section 3.2), for one image [H, W, C]."""

from typing import NamedTuple

import numpy as np


class Window(NamedTuple):
    centre_x: float
    centre_y: float
    stride: float
    variance: float
    intensity: float


def window(parameters, height, width, size):
    """Equations 21 to 24, with pixels counted from 0: the image's middle is (W - 1) / 2."""
    x, y, log_stride, log_variance, log_intensity = parameters
    return Window(
        centre_x=(width - 1) / 2 * (1 + x),
        centre_y=(height - 1) / 2 * (1 + y),
        stride=(max(height, width) - 1) / (size - 1) * np.exp(log_stride),
        variance=np.exp(log_variance),
        intensity=np.exp(log_intensity),
    )


def filterbank(centre, stride, variance, size, length):
    """Equations 19, 20, 25 and 26: [size, length], every row sums to one."""
    bank = np.zeros((size, length))
    for i in range(size):
        mean = centre + (i - (size - 1) / 2) * stride
        exponents = np.array([-((a - mean) ** 2) / (2 * variance) for a in range(length)])
        weights = np.exp(exponents - exponents.max())
        bank[i] = weights / weights.sum()
    return bank


def filterbanks(window, size, height, width):
    """F_y [size, H] and F_x [size, W]."""
    return (
        filterbank(window.centre_y, window.stride, window.variance, size, height),
        filterbank(window.centre_x, window.stride, window.variance, size, width),
    )


def read(image, f_y, f_x):
    """Equation 27 without its intensity: F_y x F_x^T, [P, P, C]."""
    return np.einsum("ia,abc,jb->ijc", f_y, image, f_x)


def write(patch, f_y, f_x):
    """Equation 29 without its intensity: F_y^T w F_x, [H, W, C]."""
    return np.einsum("ia,ijc,jb->abc", f_y, patch, f_x)


def extent(window, size):
    """Top, left, bottom, right of the grid's outermost filters."""
    reach = (size - 1) / 2 * window.stride
    return np.array(
        [
            window.centre_y - reach,
            window.centre_x - reach,
            window.centre_y + reach,
            window.centre_x + reach,
        ]
    )
