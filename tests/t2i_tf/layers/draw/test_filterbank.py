import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.layers.draw import filterbank
from t2i_tf.layers.draw.window import window
from tests.reference import attention

HEIGHT, WIDTH, SIZE = 6, 9, 4
PARAMETERS = np.random.default_rng(0).standard_normal((5, 5))


def banks(parameters=PARAMETERS):
    windows = window(tf.constant(parameters), HEIGHT, WIDTH, SIZE)
    return filterbank.filterbanks(windows, SIZE, HEIGHT, WIDTH)


def reference_banks(parameters, authors=False):
    expected = attention.window(parameters, HEIGHT, WIDTH, SIZE, authors)
    return attention.filterbanks(expected, SIZE, HEIGHT, WIDTH)


def test_filters_match_the_equations():
    vertical, horizontal = banks()
    for b, parameters in enumerate(PARAMETERS):
        f_y, f_x = reference_banks(parameters)
        np.testing.assert_allclose(vertical[b], f_y, atol=1e-12)
        np.testing.assert_allclose(horizontal[b], f_x, atol=1e-12)


def test_the_authors_filters_match_their_equations():
    windows = window(tf.constant(PARAMETERS), HEIGHT, WIDTH, SIZE, "authors")
    pair = filterbank.filterbanks(windows, SIZE, HEIGHT, WIDTH, filterbank.AUTHORS_TOLERANCE)
    for b, parameters in enumerate(PARAMETERS):
        for found, expected in zip(pair, reference_banks(parameters, authors=True), strict=True):
            np.testing.assert_allclose(found[b], expected, atol=1e-12)


def test_the_authors_filters_fade_where_they_leave_the_image():
    far = tf.constant([[9.0, 9.0, -3.0, -3.0, 0.0]])
    windows = window(far, HEIGHT, WIDTH, SIZE, "authors")
    pair = filterbank.filterbanks(windows, SIZE, HEIGHT, WIDTH, filterbank.AUTHORS_TOLERANCE)
    assert all(float(tf.reduce_max(bank)) == 0.0 for bank in pair)


@pytest.mark.parametrize("channels", [1, 3])
def test_read_and_write_match_the_equations(channels):
    rng = np.random.default_rng(1)
    images = rng.random((5, HEIGHT, WIDTH, channels))
    patches = rng.standard_normal((5, SIZE, SIZE, channels))
    read = filterbank.read(filterbank.to_rows(images), *banks())
    assert read.shape == (5, SIZE * SIZE * channels)
    read = filterbank.from_rows(tf.reshape(read, [5, -1, SIZE]), channels)
    written = filterbank.write(tf.reshape(filterbank.to_rows(patches), [5, -1]), *banks())
    written = filterbank.from_rows(written, channels)
    for b, parameters in enumerate(PARAMETERS):
        bank = reference_banks(parameters)
        np.testing.assert_allclose(read[b], attention.read(images[b], *bank), atol=1e-12)
        np.testing.assert_allclose(written[b], attention.write(patches[b], *bank), atol=1e-12)


def test_the_filters_of_a_centred_window_are_symmetric():
    for bank in banks(np.zeros((1, 5))):
        np.testing.assert_allclose(bank, bank[:, ::-1, ::-1], atol=1e-15)


def test_sharp_filters_one_pixel_apart_read_the_pixels_themselves():
    image = np.random.default_rng(2).random((1, 5, 5, 1))
    sharp = tf.constant([[0.0, 0.0, 0.0, -9.0, 0.0]], tf.float64)
    bank = filterbank.filterbanks(window(sharp, 5, 5, 5), 5, 5, 5)
    np.testing.assert_allclose(
        filterbank.read(filterbank.to_rows(image), *bank).numpy().ravel(), image.ravel(), atol=1e-12
    )


def test_x_moves_along_the_width_and_y_along_the_height():
    image = np.zeros((1, HEIGHT, WIDTH, 1))
    image[0, 1, 7, 0] = 1.0  # row 1 of 6, column 7 of 9
    x, y = 2 * 7 / (WIDTH - 1) - 1, 2 * 1 / (HEIGHT - 1) - 1

    def brightness(x, y):
        parameters = np.array([[x, y, -9.0, -9.0, 0.0]])
        return filterbank.read(filterbank.to_rows(image), *banks(parameters)).numpy().mean()

    assert brightness(x, y) == pytest.approx(1.0)
    assert brightness(y, x) == pytest.approx(0.0)


def test_filters_narrower_than_a_pixel_or_off_the_picture_still_sum_to_one():
    parameters = np.array([[9.0, -9.0, 1.0, -20.0, 0.0]], np.float32)
    with tf.GradientTape() as tape:
        values = tf.constant(parameters)
        tape.watch(values)
        pair = banks(values)
        total = sum(tf.reduce_sum(tf.square(bank)) for bank in pair)
    for bank in pair:
        np.testing.assert_allclose(tf.reduce_sum(bank, -1), np.ones((1, SIZE)), rtol=1e-6)
    assert np.isfinite(tape.gradient(total, values)).all()


def test_gradients_match_finite_differences():
    parameters = tf.constant(PARAMETERS[:1])
    image = filterbank.to_rows(np.random.default_rng(3).random((1, HEIGHT, WIDTH, 3)))

    def there_and_back(parameters):
        bank = banks(parameters)
        return filterbank.write(filterbank.read(image, *bank), *bank)

    exact, numerical = tf.test.compute_gradient(there_and_back, [parameters], delta=1e-5)
    np.testing.assert_allclose(exact[0], numerical[0], atol=1e-7)
