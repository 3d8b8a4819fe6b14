import io

import numpy as np
import pytest
from PIL import Image

from pipelines.figures.annotated_grid import FONT, GAP, MARGIN, SPACE
from pipelines.figures.drawing_gif import animation
from pipelines.figures.image_grid import SIDE, grid, steps_strip
from pipelines.figures.lettering.fonts import font
from pipelines.figures.pixels import border, enlarged, picture
from pipelines.figures.text_block import TextBlock, wrapped
from pipelines.figures.word_attention import alignment_figure

RNG = np.random.default_rng(0)
CHANNELS = pytest.mark.parametrize("channels", [1, 3])


def pixels(*shape):
    return RNG.integers(0, 256, shape, np.uint8)


@CHANNELS
def test_a_picture_keeps_its_pixels(channels):
    image = pixels(4, 7, channels)
    np.testing.assert_array_equal(np.asarray(picture(image)), np.broadcast_to(image, (4, 7, 3)))


def test_a_picture_of_floats_is_refused():
    with pytest.raises(ValueError, match=r"Expected uint8 .* got float64 \[2, 2, 3\]"):
        picture(np.zeros((2, 2, 3)))


def test_enlarging_repeats_whole_pixels():
    image = pixels(4, 7, 3)
    expected = image.repeat(3, 0).repeat(3, 1)
    np.testing.assert_array_equal(np.asarray(enlarged(image, 23)), expected)


def test_enlarging_leaves_a_big_picture_as_it_is():
    image = pixels(4, 7, 3)
    np.testing.assert_array_equal(np.asarray(enlarged(image, 5)), image)


def test_wrapped_lines_are_narrow_and_lose_no_word():
    text, face = "a herd of elephants is walking across a dry grass field", font(16)
    lines = wrapped(text, 16, 120)
    assert " ".join(lines) == text
    assert len(lines) > 2 and all(face.getlength(line) <= 120 for line in lines)
    assert wrapped("incomprehensibilities a", 16, 20) == ["incomprehensibilities", "a"]


@CHANNELS
def test_the_grid_shows_every_picture_in_its_row(channels):
    images = pixels(2, 3, 32, 16, channels)
    page = np.asarray(grid(images, ["one", "two"]))
    factor = SIDE // 32
    labels = max(TextBlock.wrap(word, FONT, 99, "black").width for word in ("one", "two"))
    for row in range(2):
        for k in range(3):
            top = MARGIN + row * (SIDE + GAP)
            left = MARGIN + labels + SPACE + k * (16 * factor + GAP)
            shown = page[top : top + SIDE : factor, left : left + 16 * factor : factor]
            np.testing.assert_array_equal(shown, np.broadcast_to(images[row, k], (32, 16, 3)))


def test_a_long_caption_makes_room_for_itself():
    images = pixels(1, 1, 32, 32, 3)
    high = grid(images, ["word " * 100]).height
    assert high > grid(images, ["word"]).height


def test_a_grid_of_other_rows_than_captions_is_refused():
    with pytest.raises(ValueError, match=r"Expected images \[1, n, H, W, C\], got \[2, 1"):
        grid(pixels(2, 1, 4, 4, 3), ["one"])


def test_a_grid_with_heads_has_a_row_for_each_label_and_a_column_for_each_head():
    images = pixels(2, 3, 8, 8, 3)
    names, captions = ["alignDRAW", "LAPGAN"], ["a red bus", "a bus " * 20, "x"]
    page = np.asarray(grid(images, names, captions, side=96))
    for row, column in ((0, 0), (1, 2)):
        image = np.kron(images[row, column], np.ones((12, 12, 1), np.uint8))
        assert any(
            (page[y : y + 96, x : x + 96] == image).all()
            for y, x in np.argwhere((page == image[0, 0]).all(-1))
            if y + 96 <= page.shape[0] and x + 96 <= page.shape[1]
        )
    with pytest.raises(ValueError, match=r"Expected images \[2, 2"):
        grid(images, names, captions[:2])


def test_the_strip_holds_every_step():
    strip = steps_strip(pixels(5, 8, 8, 1))
    assert strip.size == (5 * (64 + GAP) - GAP + 2 * MARGIN, 64 + 2 * MARGIN)


def test_the_border_of_a_region():
    region = np.zeros((5, 7), bool)
    region[1:4, 2:7] = True
    inside = np.zeros((5, 7), bool)
    inside[2, 3:6] = True
    np.testing.assert_array_equal(border(region), region & ~inside)
    np.testing.assert_array_equal(border(region, 2), region)


@CHANNELS
def test_the_animation_draws_and_then_rests(channels):
    canvases = pixels(4, 6, 9, channels)
    windows = np.array([[1, 2, 4, 7], [-5, -5, 20, 20], [3, 3, 3, 3], [30, 30, 40, 40]], float)
    gif = Image.open(io.BytesIO(animation(canvases, windows, side=90)))
    assert gif.n_frames == 5 and gif.size == (90, 60) and gif.info["loop"] == 0
    durations, frames = [], []
    for k in range(5):
        gif.seek(k)
        durations.append(gif.info["duration"])
        frames.append(np.asarray(gif.convert("RGB")).astype(int))
    assert durations[-1] > 5 * durations[0]
    assert frames[0][15, 40].tolist() == [255, 255, 255]  # the upper edge of the first window
    expected = np.broadcast_to(canvases[-1], (6, 9, 3))
    assert np.abs(frames[-1][5::10, 5::10] - expected).max() < 8  # no window on the last frame


@CHANNELS
@pytest.mark.parametrize("steps", [1, 10, 32])
def test_the_alignment_figure_grows_with_its_words(channels, steps):
    canvases = pixels(steps, 6, 9, channels)
    few, many = (
        alignment_figure(RNG.dirichlet(np.ones(n), steps), ["$x$"] * n, canvases) for n in (1, 12)
    )
    assert many.width == few.width and many.height > few.height
    assert np.asarray(many).std() > 5


def test_an_alignment_of_other_words_is_refused():
    with pytest.raises(ValueError, match=r"Expected alignment \[3, 2\]"):
        alignment_figure(np.ones((3, 4)), ["a", "b"], pixels(3, 4, 4, 3))
