import pytest

from pipelines.benchmarks.matmul_baseline import generation_products, inference_products
from pipelines.benchmarks.timing import median_seconds
from t2i_tf.models import build_model
from tests.t2i_tf import tiny


@pytest.mark.parametrize("conditioning", ["align", "average"])
def test_the_products_are_those_of_the_models_own_kernels(conditioning):
    """Only the two windows, five columns each, and the score, one column, are left out."""
    config = tiny.config(conditioning=conditioning)
    products = generation_products(config, 4, 5) + inference_products(config, 4, 5)
    left_out = ("window/kernel", "score", "embeddings")
    kernels = [
        tuple(weight.shape)
        for weight in build_model(config).trainable_weights
        if len(weight.shape) == 2 and not weight.path.endswith(left_out)
    ]
    # Both directions of the caption LSTM have the same shapes: one product stands for both.
    shapes = {(product.inner, product.columns) for product in products}
    assert shapes == set(kernels)


def test_runs_take_turns_and_the_first_rounds_do_not_count():
    order = []
    times = median_seconds([lambda: order.append("a"), lambda: order.append("b")], repeats=3)
    assert order == ["a", "b"] * 5
    assert len(times) == 2 and all(time >= 0 for time in times)
