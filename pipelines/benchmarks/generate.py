"""The time to draw pictures beside its floor: the same drawing's bare matrix products."""

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
        config: whose model draws a batch of `batch_size`, with fresh weights.
        words: of every caption.
        repeats: after the warm-up; drawing and floor take turns.

    Returns:
        `median_seconds`, `floor_seconds`, `ratio`, `pictures_per_second`.
    """
    batch = config.batch_size
    model = build_model(config.model)
    draw = tf.function(model.generate)
    ids, noise = tf.fill([batch, words], 2), model.noise(tf.range(batch))
    operands = [
        (product.times, normal(product.rows, product.inner), normal(product.inner, product.columns))
        for product in generation_products(config.model, batch, words)
    ]

    def floor():
        for times, x, weight in operands:
            for _ in range(times):
                result = tf.matmul(x, weight)
        return result.numpy()

    seconds, bare = median_seconds([lambda: draw(ids, noise).image.numpy(), floor], repeats)
    return {
        "median_seconds": seconds,
        "floor_seconds": bare,
        "ratio": seconds / bare,
        "pictures_per_second": batch / seconds,
    }
