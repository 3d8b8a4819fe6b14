import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.errors import UserError
from t2i_tf.layers.gan import laplacian_pyramid as pyramid
from tests.reference import adversarial as reference


def pictures(height, width, channels=3, dtype=np.float64):
    return np.random.default_rng(0).random((2, height, width, channels)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_down_and_up_match_the_reference(dtype):
    x = pictures(4, 6, dtype=dtype)
    np.testing.assert_allclose(pyramid.down(x), [reference.down(p) for p in x], rtol=1e-6)
    np.testing.assert_allclose(pyramid.up(x), [reference.up(p) for p in x], rtol=1e-6)


def test_up_is_the_bilinear_resize():
    x = pictures(5, 3, dtype=np.float32)
    np.testing.assert_allclose(pyramid.up(x), tf.image.resize(x, [10, 6]), atol=1e-6)


@pytest.mark.parametrize(
    "height, width, channels, stages",
    [(32, 32, 3, 2), (60, 60, 1, 2), (12, 20, 3, 1), (3, 5, 1, 0)],
)
def test_reconstruct_is_the_inverse_of_decompose(height, width, channels, stages):
    x = pictures(height, width, channels)
    found = pyramid.decompose(tf.constant(x), stages)
    sizes = [tuple(level.shape[1:3]) for level in found]
    assert sizes == pyramid.level_sizes(height, width, stages)
    assert sizes[0] == (height / 2**stages, width / 2**stages)
    np.testing.assert_allclose(pyramid.reconstruct(found), x, atol=1e-15)


def test_a_residual_is_what_the_coarse_picture_lacks():
    x = pictures(8, 8)
    base, residual = pyramid.decompose(tf.constant(x), 1)
    np.testing.assert_allclose(base, [reference.down(p) for p in x])
    expected = [p - reference.up(reference.down(p)) for p in x]
    np.testing.assert_allclose(residual, expected, atol=1e-15)


def test_a_plain_picture_has_no_residuals():
    _, *residuals = pyramid.decompose(tf.fill([1, 8, 8, 3], 0.3), 2)
    for residual in residuals:
        np.testing.assert_allclose(residual, 0, atol=1e-7)


@pytest.mark.parametrize("height, width, stages", [(30, 32, 2), (32, 30, 2), (4, 4, 3), (7, 8, 1)])
def test_sizes_that_cannot_be_halved_are_refused(height, width, stages):
    with pytest.raises(UserError, match=f"multiples of {2**stages}; got {height} x {width}"):
        pyramid.decompose(tf.constant(pictures(height, width)), stages)


def test_a_batch_of_unknown_size_compiles():
    @tf.function(jit_compile=True, input_signature=[tf.TensorSpec([None, 8, 12, 3], tf.float32)])
    def there_and_back(x):
        return pyramid.reconstruct(pyramid.decompose(x, 2))

    x = pictures(8, 12, dtype=np.float32)
    np.testing.assert_allclose(there_and_back(x), x, atol=1e-6)
