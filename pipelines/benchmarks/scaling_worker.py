"""A worker of `benchmark scaling`: `python -m pipelines.benchmarks.scaling_worker JSON`."""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from t2i_tf.import_tensorflow import import_tensorflow

WORDS = 12  # in every caption


def main(work: Mapping[str, Any]) -> None:
    """Prints what is timed as a line of JSON.

    Args:
        work: `preset`, `batch_size` over all workers, `repeats`, and the `cores` to run on.
    """
    os.sched_setaffinity(0, work["cores"])  # before TensorFlow counts them
    import_tensorflow()
    print(json.dumps(_measure(work)))


def _measure(work: Mapping[str, Any]) -> dict[str, float]:
    import tensorflow as tf

    from pipelines.benchmarks.timing import median_seconds
    from pipelines.training.workers.join import join_workers
    from t2i_tf.models import build_model
    from t2i_tf.optimizers import build_optimizer
    from t2i_tf.presets import preset

    workers = join_workers(os.environ, lambda line: None)
    config = preset(work["preset"]).config
    strategy = workers.strategy
    with strategy.scope():
        model = build_model(config.model, seed=0, mixed_precision=config.mixed_precision)
        model.compile(build_optimizer(config.optimizer), jit_compile=config.xla)
        model.optimizer.build(model.trainable_variables)
    batch = _random_batch(config.model, work["batch_size"] // workers.count)
    gradients = [tf.zeros(variable.shape) for variable in model.trainable_variables]
    noise = tf.zeros([model.noise_shape[0], len(batch["image"]), model.noise_shape[1]])

    def sums(gradients):
        return tf.distribute.get_replica_context().all_reduce("SUM", gradients)

    def timed(function, *arguments):
        graph = tf.function(lambda: strategy.run(function, args=arguments))
        return lambda: [part.numpy() for part in tf.nest.flatten(_local(strategy, graph()))[:1]]

    def compute(batch):
        terms, parts = model._compiled_gradients(batch, noise, tf.constant([0, 0]))
        return tf.add_n([tf.reduce_sum(part) for part in parts]), terms["loss"]

    with workers.together():
        functions = [
            timed(model.train_step, batch),
            timed(compute, batch),
            timed(sums, gradients),
        ]
        step, local, reduce = median_seconds(functions, work["repeats"])
    size = sum(4 * gradient.shape.num_elements() for gradient in gradients)
    return {"step": step, "compute": local, "all_reduce": reduce, "gradient_bytes": size}


def _local(strategy, values):
    import tensorflow as tf

    return tf.nest.map_structure(lambda v: strategy.experimental_local_results(v)[0], values)


def _random_batch(size, examples: int) -> dict[str, Any]:
    import numpy as np
    import tensorflow as tf

    random = np.random.default_rng(0)
    shape = (examples, size.height, size.width, size.channels)
    ids = random.integers(2, size.vocabulary_size, (examples, WORDS))
    return {
        "image": tf.constant(random.integers(0, 256, shape), tf.uint8),
        "token_ids": tf.constant(ids, tf.int32),
    }


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
