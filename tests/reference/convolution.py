"""Strided convolutions of one image [H, W, C] with zero padding, and their transposes."""

import numpy as np


def padding(side, size, stride):
    """Zeros before and after a side, the odd one after, and the number of kernel positions."""
    many = -(-side // stride)
    lacking = max(0, (many - 1) * stride + size - side)
    return (lacking // 2, lacking - lacking // 2), many


def convolve(image, kernel, bias, stride=1):
    """Kernel [k, k, in, out]; output sides are input sides over the stride, rounded up."""
    size = len(kernel)
    around, shape = zip(*(padding(side, size, stride) for side in image.shape[:2]), strict=True)
    padded = np.pad(image, [*around, (0, 0)])
    result = np.empty((*shape, kernel.shape[-1]))
    for y, x in np.ndindex(*shape):
        patch = padded[y * stride : y * stride + size, x * stride : x * stride + size]
        result[y, x] = np.tensordot(patch, kernel, 3) + bias
    return result


def deconvolve(features, kernel, bias, stride, shape):
    """Spread every feature by a kernel [k, k, out, in] over an image [H, W, out]."""
    size = len(kernel)
    around, _ = zip(*(padding(side, size, stride) for side in shape), strict=True)
    sides = (side + sum(zeros) for side, zeros in zip(shape, around, strict=True))
    padded = np.zeros((*sides, kernel.shape[2]))
    for y, x in np.ndindex(*features.shape[:2]):
        spread = np.tensordot(kernel, features[y, x], 1)
        padded[y * stride : y * stride + size, x * stride : x * stride + size] += spread
    (top, _), (left, _) = around
    return padded[top : top + shape[0], left : left + shape[1]] + bias
