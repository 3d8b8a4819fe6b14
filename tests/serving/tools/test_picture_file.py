import io

import numpy as np
import pytest
from PIL import Image

from serving.tools.picture_file import ImageShape, read_png
from tests.icc_profiles import ADOBE, ADOBE_RGB, COLOURS, DARK_GREY, GAMMA, to_srgb

COLOUR, GREY = ImageShape(16, 16, 3), ImageShape(16, 16, 1)


@pytest.fixture
def pixels_of(tmp_path):
    """A function that stores a picture as a file, and reads it."""

    def read(image, format="PNG", shape=COLOUR, **options):
        image.save(tmp_path / "file", format, **options)
        png = read_png(tmp_path / "file", shape)
        return np.asarray(Image.open(io.BytesIO(png))).astype(int)

    return read


def test_a_picture_is_turned_upright(pixels_of):
    exif = Image.Exif()
    exif[0x112] = 6  # its first row is at the right
    turned = pixels_of(Image.fromarray(COLOURS), exif=exif)
    np.testing.assert_array_equal(turned, np.rot90(COLOURS, -1))


def test_what_is_transparent_shows_white(pixels_of):
    alpha = np.full(COLOURS.shape[:2], 255, np.uint8)
    alpha[:8], alpha[8:, :8] = 0, 51
    pixels = pixels_of(Image.fromarray(np.dstack([COLOURS, alpha])))
    assert (pixels[:8] == 255).all() and (pixels[8:, 8:] == COLOURS[8:, 8:]).all()
    np.testing.assert_allclose(pixels[8:, :8], 0.8 * 255 + 0.2 * COLOURS[8:, :8], atol=1)


def test_sixteen_bits_keep_their_range(pixels_of):
    deep = np.full((16, 16), 0x80FF, np.uint16)
    assert (pixels_of(Image.fromarray(deep)) == 0x80).all()


def test_colours_become_srgb(pixels_of):
    pixels = pixels_of(Image.fromarray(COLOURS), icc_profile=ADOBE)
    np.testing.assert_allclose(pixels, to_srgb(COLOURS, ADOBE_RGB, GAMMA), atol=2)
    grey = pixels_of(Image.fromarray(COLOURS[..., 0]), shape=GREY, icc_profile=DARK_GREY)
    assert (grey > COLOURS[..., 0] + 15).all()


@pytest.mark.parametrize("profile", [b"no profile", DARK_GREY])
def test_a_profile_of_no_use_changes_nothing(pixels_of, profile):
    np.testing.assert_array_equal(pixels_of(Image.fromarray(COLOURS), icc_profile=profile), COLOURS)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "CMYK", "RGBX"])
def test_any_mode_is_read(pixels_of, mode):
    format = "TIFF" if mode in ("CMYK", "RGBX", "PA") else "PNG"
    indexed = Image.fromarray(COLOURS).convert("P" if mode == "PA" else mode)
    image = indexed.convert(mode)
    for shape in (COLOUR, GREY):
        found = pixels_of(image, format, shape)
        expected = image.convert("RGB").convert("L" if shape is GREY else "RGB")
        np.testing.assert_allclose(found, np.asarray(expected), atol=1)
