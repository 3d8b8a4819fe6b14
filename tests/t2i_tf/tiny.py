"""Tiny models and batches, and their weights as the NumPy reference wants them."""

from dataclasses import asdict, replace

import keras
import numpy as np

from t2i_tf.config import DrawConfig
from t2i_tf.models import AlignDRAW, NoAlignDRAW
from tests.reference.draw import Weights

CONFIG = DrawConfig(
    height=6,
    width=9,
    channels=3,
    vocabulary_size=11,
    steps=3,
    embedding_units=4,
    caption_units=3,
    align_units=5,
    encoder_units=7,
    decoder_units=6,
    latent_units=2,
    read_size=4,
    write_size=3,
    initial_canvas=-0.5,
    initializer="glorot",
)
CAPTIONS = np.array([[2, 7, 4, 9, 3], [5, 10, 0, 0, 0], [8, 2, 6, 1, 0]], np.int32)


def exact_model(conditioning="align", channels=3, likelihood=None, **more):
    """A float64 model in which every weight, biases and initial states too, is far from zero."""
    sizes = asdict(CONFIG) | {"channels": channels, "dtype": "float64"} | more
    for name in ("conditioning", "initializer", "sentence_units", "likelihood", "components"):
        del sizes[name]
    sizes["likelihood"] = likelihood
    sizes["convention"] = sizes.pop("window")
    if conditioning == "align":
        model = AlignDRAW(**sizes)
    else:
        del sizes["align_units"]
        model = NoAlignDRAW(**sizes)
    return far_from_zero(model)


def far_from_zero(model):
    """The model, with random weights in place of initial ones."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(0.4 * rng.standard_normal(weight.shape))
    return model


def config(**changes):
    return replace(CONFIG, **changes)


def batch(size=3, channels=3):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (size, CONFIG.height, CONFIG.width, channels), np.uint8)
    return {"image": image, "token_ids": np.resize(CAPTIONS, (size, CAPTIONS.shape[1]))}


def noise(size=3):
    return np.random.default_rng(2).standard_normal((CONFIG.steps, size, CONFIG.latent_units))


def reference_weights(model):
    """The weights of a model; patches in the order row, column, channel."""
    cell, captions = model.cell, model.caption_encoder
    read, write, channels = cell.read_size, cell.write_size, cell.channels
    encoder, recurrent, bias = arrays(cell.encoder)
    glimpses = 2 * read**2 * channels
    patches = encoder[:glimpses].reshape(2, read, channels, read, -1).swapaxes(2, 3)
    encoder = np.concatenate([patches.reshape(glimpses, -1), encoder[glimpses:]])
    write_patch = [
        array.reshape(-1, write, channels, write).swapaxes(2, 3).reshape(array.shape)
        for array in arrays(cell.write_patch)
    ]
    if hasattr(captions.lstm, "initial"):  # read as the authors'
        lstms, initial_words = (captions.lstm.first, captions.lstm.second), captions.lstm.initial
    else:
        lstms = captions.lstm.forward_layer, captions.lstm.backward_layer
        initial_words = None
    align = None
    if isinstance(model, AlignDRAW):
        conditioner = cell.conditioner
        score = keras.ops.convert_to_numpy(conditioner.score)[:, 0]
        align = (*arrays(conditioner.key), *arrays(conditioner.query), score)
    return Weights(
        embedding=arrays(captions.embedding)[0],
        forward=arrays(lstms[0]),
        backward=arrays(lstms[1]),
        align=align,
        encoder=(encoder, recurrent, bias),
        decoder=arrays(cell.decoder),
        posterior=arrays(cell.posterior_head),
        prior=arrays(cell.prior_head),
        read_window=arrays(cell.read_window),
        write_window=arrays(cell.write_window),
        write_patch=tuple(write_patch),
        initial=tuple(weight.numpy() for weight in cell.initial),
        read_size=read,
        write_size=write,
        initial_canvas=cell.empty_canvas.numpy() if cell.learned_canvas else cell.initial_canvas,
        authors_window=cell.convention == "authors",
        initial_words=None if initial_words is None else initial_words.numpy(),
    )


def arrays(layer):
    return tuple(layer.get_weights())
