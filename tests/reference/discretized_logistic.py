"""Probabilities of one pixel [C] by the mixture of discretized logistics, from the equations."""

import numpy as np


def cdf(x):
    return 0.5 * (1 + np.tanh(x / 2))  # the logistic function, without overflow


def mass(x, location, scale):
    """P(x) for one channel, with the tails at 0 and 255."""
    low = 0.0 if x == 0 else cdf((x - 0.5 - location) / scale)
    high = 1.0 if x == 255 else cdf((x + 0.5 - location) / scale)
    return high - low


def location(canvas):
    return 255 * (0.8 * cdf(canvas) + 0.2 * (0.5 + canvas / 4))


def pixel(x, canvas, scales, weights, coefficients):
    """p(x) of a pixel.

    Args:
        x: grey levels, [C].
        canvas: [C].
        scales: [K, C], grey levels.
        weights: [K], which sum to one.
        coefficients: [K, C (C - 1) / 2], channel by channel.
    """
    mu = location(canvas)
    total = 0.0
    for scale, weight, a in zip(scales, weights, coefficients, strict=True):
        a, joint = list(a), weight
        for c in range(len(x)):
            given = mu[c] + sum(a.pop(0) * (x[j] - mu[j]) for j in range(c))
            joint = joint * mass(x[c], given, scale[c])
        total += joint
    return total
