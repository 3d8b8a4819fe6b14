"""Adversarial networks for one image, in NumPy. Layers are (kernel, bias) pairs."""

import math

import numpy as np

from tests.reference.caption import sigmoid
from tests.reference.convolution import convolve


def relu(x):
    return np.maximum(x, 0)


def uniform_from_normals(normals):
    """The normal distribution function, stretched from (0, 1) to (-1, 1)."""
    return 2 * np.vectorize(lambda z: 0.5 * math.erfc(-z / math.sqrt(2)))(normals) - 1


def discriminator_loss(real, *false, smoothing):
    """Binary cross entropies of probabilities; all false images weigh as much as the real one."""
    target, real, false = 1 - smoothing, sigmoid(real), sigmoid(np.array(false))
    return -target * np.log(real) - (1 - target) * np.log(1 - real) - np.log(1 - false).mean()


def generator_loss(fake):
    return -np.log(sigmoid(fake))


def down(x):
    return (x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4


def up(x):
    """Linear interpolation along each axis, at quarter points between the pixels' centres."""
    for axis in (0, 1):
        at = np.arange(2 * x.shape[axis]) / 2 - 0.25
        x = np.apply_along_axis(lambda v, at=at: np.interp(at, np.arange(len(v)), v), axis, x)
    return x


def dense(x, kernel, bias):
    return x @ kernel + bias


def unit_scale(sentence):
    return sentence / np.sqrt(np.mean(sentence**2) + 1e-12)


def sentence_plane(layer, sentence, shape):
    return relu(dense(unit_scale(sentence), *layer)).reshape(*shape, 1)


def residual_generator(layers, coarse, noise, sentence):
    """layers: sentence plane, then three convolutions."""
    shape = coarse.shape[:2]
    plane = sentence_plane(layers[0], sentence, shape)
    x = np.concatenate([noise.reshape(*shape, 1), plane, coarse], -1)
    return convolve(relu(convolve(relu(convolve(x, *layers[1])), *layers[2])), *layers[3])


def conv_discriminator(layers, image, sentence):
    """layers: sentence plane, two convolutions, the logit."""
    plane = sentence_plane(layers[0], sentence, image.shape[:2])
    x = relu(convolve(np.concatenate([image, plane], -1), *layers[1]))
    return dense(relu(convolve(x, *layers[2], stride=2)).ravel(), *layers[3])[0]


def dense_generator(layers, noise, sentence, shape):
    """layers: text, two hidden ones, the image."""
    return sigmoid(_dense_network(layers, noise, sentence)).reshape(shape)


def dense_discriminator(layers, image, sentence):
    """layers: text, two hidden ones, the logit."""
    return _dense_network(layers, image.ravel(), sentence)[0]


def _dense_network(layers, x, sentence):
    x = np.concatenate([x, relu(dense(unit_scale(sentence), *layers[0]))])
    return dense(relu(dense(relu(dense(x, *layers[1])), *layers[2])), *layers[3])
