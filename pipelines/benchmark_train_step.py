"""The time of a training step beside its floor: the same step's bare matrix products."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from t2i_tf.config import DrawConfig, TrainConfig
from t2i_tf.models import build_model
from t2i_tf.optimizers import build_optimizer


class Product(NamedTuple):
    """A matrix product [rows, inner] x [inner, columns] that a step does `times` times."""

    times: int
    rows: int
    inner: int
    columns: int


def products(config: DrawConfig, batch: int, words: int) -> list[Product]:
    """The forward products of one training step with the weights; each has two backward ones.

    Left out, so that the floor is a floor: filter banks, alignment energies, everything element by
    element, and the optimizer.
    """
    decoder, encoder = config.decoder_units, config.encoder_units
    patch = 2 * config.read_size**2 * config.channels
    context = 2 * config.caption_units
    weights = [
        (patch + decoder, 4 * encoder),
        (encoder, 4 * encoder),
        (config.latent_units + context, 4 * decoder),
        (decoder, 4 * decoder),
        (encoder, 2 * config.latent_units),
        (decoder, 2 * config.latent_units),
        (decoder, config.write_size**2 * config.channels),
    ]
    found = [Product(config.steps, batch, *shape) for shape in weights]
    for inner in (config.embedding_units, config.caption_units):
        found.append(Product(2 * words, batch, inner, 4 * config.caption_units))
    if config.conditioning == "align":
        found.append(Product(config.steps, batch, decoder, config.align_units))
        found.append(Product(1, batch * words, context, config.align_units))
    return found


def measure_train_step(
    config: TrainConfig, *, words: int = 12, repeats: int = 10, xla: bool = True
) -> dict[str, float]:
    """Median seconds of a whole training step and of its bare products, taken turn by turn.

    Args:
        config: whose model, batch size and optimizer are timed, on random data.
        words: of every caption.
        repeats: after the warm-up; step and floor alternate, so that both meet the same machine.
        xla: compile the step's core.

    Returns:
        `median_seconds`, `floor_seconds`, `ratio`, `examples_per_second`, `gflop` of the products.
    """
    step = _training_step(config, words, xla)
    shapes = products(config.model, config.batch_size, words)
    floors = [_graph_floor(shapes, compiled) for compiled in (False, True)]
    for run in (step, *floors):
        run(), run()
    timed = np.array([[_seconds(run) for run in (step, *floors)] for _ in range(repeats)])
    median, *both = np.median(timed, axis=0)
    floor = min(both)  # whichever way of multiplying is faster here
    flop = sum(6 * p.times * p.rows * p.inner * p.columns for p in shapes)
    return {
        "median_seconds": float(median),
        "floor_seconds": float(floor),
        "ratio": float(median / floor),
        "examples_per_second": config.batch_size / float(median),
        "gflop": flop / 1e9,
    }


def _training_step(config: TrainConfig, words: int, xla: bool) -> Callable[[], object]:
    random = np.random.default_rng(0)
    size = config.model
    shape = (config.batch_size, size.height, size.width, size.channels)
    ids = random.integers(2, size.vocabulary_size, (config.batch_size, words))
    batch = {
        "image": tf.constant(random.integers(0, 256, shape), tf.uint8),
        "token_ids": tf.constant(ids, tf.int32),
    }
    model = build_model(config.model, seed=0, mixed_precision=config.mixed_precision)
    model.compile(build_optimizer(config.optimizer), jit_compile=xla)
    model.optimizer.build(model.trainable_variables)
    train = tf.function(model.train_step)
    return lambda: train(batch)["loss"].numpy()


def _graph_floor(shapes: list[Product], compiled: bool) -> Callable[[], object]:
    """Every product and its two backward ones, in loops as long as the step's."""
    operands = [
        (p.times, _normal(p.rows, p.inner), _normal(p.inner, p.columns), _normal(p.rows, p.columns))
        for p in shapes
    ]

    @tf.function(jit_compile=compiled)
    def run():
        results = []
        for times, x, weight, gradient in operands:

            def body(i, *_, x=x, weight=weight, gradient=gradient):
                nothing = tf.cast(i, tf.float32) * 1e-30  # so that no product can leave the loop
                forward = tf.matmul(x + nothing, weight)
                to_input = tf.matmul(gradient + nothing, weight, transpose_b=True)
                to_weight = tf.matmul(x + nothing, gradient, transpose_a=True)
                return i + 1, forward, to_input, to_weight

            start = (tf.constant(0), gradient, x, weight)
            results.append(
                tf.while_loop(lambda i, *_, n=times: i < n, body, start, maximum_iterations=times)
            )
        return results

    def wait():
        return [result.numpy() for loop in run() for result in loop[:1]]

    return wait


def _normal(rows: int, columns: int) -> tf.Tensor:
    return tf.random.stateless_normal([rows, columns], [rows, columns])


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
