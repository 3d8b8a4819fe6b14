"""A tiny ConvDRAW and its batch, and its weights as the NumPy reference wants them."""

from dataclasses import asdict, replace

import numpy as np

from t2i_tf.config import ConvDrawConfig
from t2i_tf.models import ConvDRAW
from tests.reference.conv_draw import Weights
from tests.t2i_tf import tiny
from tests.t2i_tf.tiny import arrays, far_from_zero

CONFIG = ConvDrawConfig(  # 3 x 4 places, whose last row and column jut out of the image
    height=7,
    width=10,
    channels=3,
    vocabulary_size=11,
    steps=3,
    side=3,
    embedding_units=4,
    caption_units=3,
    align_units=5,
    encoder_channels=4,
    decoder_channels=3,
    message_channels=2,
    read_channels=4,
    latent_channels=2,
    initial_canvas=-0.5,
)
CAPTIONS = tiny.CAPTIONS
UNITS = 3 * 4 * CONFIG.latent_channels  # Z


def exact_model(channels=3, size=3, likelihood=None, **more):
    """A float64 model in which every weight, biases and initial states too, is far from zero."""
    sizes = asdict(CONFIG) | {"channels": channels, "size": size, "dtype": "float64"} | more
    del sizes["components"]
    return far_from_zero(ConvDRAW(**sizes | {"likelihood": likelihood}))


def config(**changes):
    return replace(CONFIG, **changes)


def batch(size=3, channels=3):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (size, CONFIG.height, CONFIG.width, channels), np.uint8)
    return {"image": image, "token_ids": np.resize(CAPTIONS, (size, CAPTIONS.shape[1]))}


def noise(size=3):
    return np.random.default_rng(2).standard_normal((CONFIG.steps, size, UNITS))


def reference_weights(model):
    cell, captions = model.cell, model.caption_encoder
    return Weights(
        embedding=arrays(captions.embedding)[0],
        forward=arrays(captions.lstm.forward_layer),
        backward=arrays(captions.lstm.backward_layer),
        attention=(
            *arrays(cell.attention.key),
            *arrays(cell.attention.value),
            *affine(cell.attention.query),
        ),
        encoder=(*arrays(cell.encoder.message), *affine(cell.encoder.gates)),
        decoder=(*arrays(cell.decoder.message), *affine(cell.decoder.gates)),
        read=affine(cell.read),
        posterior=affine(cell.posterior_head),
        prior=affine(cell.prior_head),
        write=affine(cell.write),
        initial=tuple(tuple(weight.numpy() for weight in scale) for scale in cell.initial),
        side=cell.side,
        initial_canvas=cell.initial_canvas,
    )


def affine(layer):
    kernel, bias = arrays(layer)
    return kernel[0, 0], bias
