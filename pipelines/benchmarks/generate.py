"""Times drawing against the matmul baseline: the bare matrix products of the same drawing."""

import tensorflow as tf

from pipelines.benchmarks.matmul_baseline import generation_products, normal
from pipelines.benchmarks.timing import median_seconds
from t2i_tf.config import TrainConfig
from t2i_tf.models import build_model


def measure_generate(
    config: TrainConfig, *, words: int = 12, repeats: int = 10
) -> dict[str, float]:
    """Median seconds to draw a batch, without XLA, as `generate` and TensorFlow Serving do it.

    Args:
        config: its model draws `batch_size` images, with newly initialised weights.
        words: number of words in every caption.
        repeats: timed rounds after the warm-up; drawing and baseline alternate.

    Returns:
        `median_seconds` of drawing a batch, `floor_seconds` of the baseline, `ratio` of the two,
        and `pictures_per_second`.
    """
    batch = config.batch_size
    model = build_model(config.model)
    draw = tf.function(model.generate, autograph=False)
    ids, noise = tf.fill([batch, words], 2), model.noise(tf.range(batch))
    operands = [
        (product.times, normal(product.rows, product.inner), normal(product.inner, product.columns))
        for product in generation_products(config.model, batch, words)
    ]

    def multiply():
        for times, x, weight in operands:
            for _ in range(times):
                result = tf.matmul(x, weight)
        return result.numpy()

    seconds, baseline = median_seconds([lambda: draw(ids, noise).image.numpy(), multiply], repeats)
    return {
        "median_seconds": seconds,
        "floor_seconds": baseline,
        "ratio": seconds / baseline,
        "pictures_per_second": batch / seconds,
    }
