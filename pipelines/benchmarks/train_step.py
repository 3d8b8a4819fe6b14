"""Times a training step against the matmul baseline: the same step's bare matrix products."""

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
    """Median seconds of a whole training step and of its bare matrix products.

    Args:
        config: its model, batch size and optimizer are timed, on random data.
        words: number of words in every caption.
        repeats: timed rounds after the warm-up; step and baseline alternate.
        xla: whether to compile the step's core with XLA.

    Returns:
        `median_seconds` of a step, `floor_seconds` of the baseline, `ratio` of the two,
        `examples_per_second`, and `gflop` of the products.
    """
    step = _training_step(config, words, xla)
    sizes = config.model, config.batch_size, words
    products = generation_products(*sizes) + inference_products(*sizes)
    baselines = [_baseline(products, compiled) for compiled in (False, True)]
    median, *baseline_medians = median_seconds([step, *baselines], repeats)
    baseline = min(baseline_medians)  # with XLA or without, whichever is faster here
    flop = sum(6 * p.times * p.rows * p.inner * p.columns for p in products)
    return {
        "median_seconds": median,
        "floor_seconds": baseline,
        "ratio": median / baseline,
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
    train = tf.function(model.train_step, autograph=False)
    return lambda: train(batch)["loss"].numpy()


def _baseline(products: list[Product], compiled: bool) -> Callable[[], object]:
    """A function that computes every product and its two gradients, in loops as in the step.

    Filter banks, alignment energies, elementwise operations and the optimizer are left out, so that
    the step cannot be faster than the baseline.
    """
    operands = [
        (p.times, normal(p.rows, p.inner), normal(p.inner, p.columns), normal(p.rows, p.columns))
        for p in products
    ]

    @tf.function(jit_compile=compiled, autograph=False)
    def run():
        results = []
        for times, x, weight, gradient in operands:

            def body(i, *_, x=x, weight=weight, gradient=gradient):
                # The inputs depend on i, so that a compiler cannot move the products out.
                zero = tf.cast(i, tf.float32) * 1e-30
                forward = tf.matmul(x + zero, weight)
                input_gradient = tf.matmul(gradient + zero, weight, transpose_b=True)
                weight_gradient = tf.matmul(x + zero, gradient, transpose_a=True)
                return i + 1, forward, input_gradient, weight_gradient

            start = (tf.constant(0), gradient, x, weight)
            results.append(
                tf.while_loop(lambda i, *_, n=times: i < n, body, start, maximum_iterations=times)
            )
        return results

    return lambda: [counter.numpy() for counter, *_ in run()]
