import numpy as np
import pytest

from pipelines.figures.annotated_grid import FONT, MARGIN
from pipelines.figures.caption_attention import SIDE, attention_figure
from pipelines.figures.text_block import LEADING

LABEL = FONT + LEADING  # height of the line above an image
RNG = np.random.default_rng(0)


def pixels(*shape):
    return RNG.integers(0, 100, shape, np.uint8)  # dark, so that paper is lighter


@pytest.mark.parametrize("channels", [1, 3])
def test_the_picture_comes_first_as_it_is(channels):
    image = pixels(16, 16, channels)
    page = np.asarray(attention_figure(image, ["a"], np.ones((1, 4, 4))))
    factor = SIDE // 16
    shown = page[MARGIN + LABEL :, MARGIN:][:SIDE:factor, :SIDE:factor]
    np.testing.assert_array_equal(shown, np.broadcast_to(image, (16, 16, 3)))


def test_what_is_attended_to_keeps_its_colour_and_the_rest_fades():
    image = np.full((16, 16, 3), 40, np.uint8)
    attention = np.zeros((1, 2, 2))
    attention[0, 0, 1] = 0.3  # the upper right quarter
    page = np.asarray(attention_figure(image, ["a"], attention)).astype(int)
    right_picture = page[MARGIN + LABEL :, page.shape[1] - MARGIN - SIDE :][:SIDE, :SIDE]
    assert abs(right_picture[8, -9] - 40).max() < 10
    assert (right_picture[0, -9] == [31, 35, 40]).all()  # the line
    for corner in (right_picture[2, 2], right_picture[-3, 2], right_picture[-3, -3]):
        assert corner.min() > 180


def test_many_and_long_words_make_room():
    def figure(words):
        return attention_figure(pixels(8, 12, 3), words, RNG.random((len(words), 4, 6)))

    few, many = figure(["a"] * 3), figure(["a"] * 14)
    assert many.height > few.height
    assert figure(["incomprehensibilities"] * 3).width > few.width


def test_attention_of_nothing_is_no_error():
    assert attention_figure(pixels(8, 8, 3), ["a"], np.zeros((1, 4, 4))).width > 2 * SIDE


@pytest.mark.parametrize("shape", [(2, 4, 4), (0, 4, 4), (1, 4)])
def test_attention_of_other_words_is_refused(shape):
    with pytest.raises(ValueError, match="Expected attention"):
        attention_figure(pixels(8, 8, 3), ["a"] * (shape[0] == 1), np.ones(shape))
