"""The time of a training step beside its floor: the same step's bare matrix products."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from pipelines.benchmarks.matmul_baseline import (
    Product,
    generation_products,
    inference_products,
    normal,
)
from pipelines.benchmarks.timing import median_seconds
from t2i_tf.config import TrainConfig
from t2i_tf.models import build_model
from t2i_tf.optimizers import build_optimizer


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
    sizes = config.model, config.batch_size, words
    shapes = generation_products(*sizes) + inference_products(*sizes)
    floors = [_graph_floor(shapes, compiled) for compiled in (False, True)]
    median, *both = median_seconds([step, *floors], repeats)
    floor = min(both)  # whichever way of multiplying is faster here
    flop = sum(6 * p.times * p.rows * p.inner * p.columns for p in shapes)
    return {
        "median_seconds": median,
        "floor_seconds": floor,
        "ratio": median / floor,
        "examples_per_second": config.batch_size / median,
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
    """Every product and its two backward ones, in loops as long as the step's.

    Left out, so that the floor is a floor: filter banks, alignment energies, everything element by
    element, and the optimizer.
    """
    operands = [
        (p.times, normal(p.rows, p.inner), normal(p.inner, p.columns), normal(p.rows, p.columns))
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
