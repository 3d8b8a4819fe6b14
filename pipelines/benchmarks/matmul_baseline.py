"""The matmul baseline: the matrix products that drawing and training consist of."""

from typing import NamedTuple

import tensorflow as tf

from t2i_tf.config import DrawConfig


class Product(NamedTuple):
    """A matrix product [rows, inner] x [inner, columns] that is computed `times` times."""

    times: int
    rows: int
    inner: int
    columns: int


def generation_products(config: DrawConfig, batch: int, words: int) -> list[Product]:
    """The products of drawing a batch: caption encoder, alignment, decoder, prior, write.

    Args:
        config: sizes of a model that aligns to words or averages them.
        batch: captions in the batch.
        words: words in every caption.
    """
    decoder, context = config.decoder_units, 2 * config.caption_units
    each_step = [
        (config.latent_units + context, 4 * decoder),
        (decoder, 4 * decoder),
        (decoder, 2 * config.latent_units),
        (decoder, config.write_size**2 * config.channels),
    ]
    products = [Product(config.steps, batch, *shape) for shape in each_step]
    for inner in (config.embedding_units, config.caption_units):
        products.append(Product(2 * words, batch, inner, 4 * config.caption_units))
    if config.conditioning == "align":
        products.append(Product(config.steps, batch, decoder, config.align_units))
        products.append(Product(1, batch * words, context, config.align_units))
    return products


def inference_products(config: DrawConfig, batch: int, words: int) -> list[Product]:
    """The products that inference adds: inference LSTM and posterior; arguments as above."""
    encoder = config.encoder_units
    patch = 2 * config.read_size**2 * config.channels
    each_step = [
        (patch + config.decoder_units, 4 * encoder),
        (encoder, 4 * encoder),
        (encoder, 2 * config.latent_units),
    ]
    return [Product(config.steps, batch, *shape) for shape in each_step]


def normal(rows: int, columns: int) -> tf.Tensor:
    """A matrix [rows, columns] of standard normals, to multiply with."""
    return tf.random.stateless_normal([rows, columns], [rows, columns])
