import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipelines.data.pictures.image_loading import PictureReader
from pipelines.data.pictures.picture_changes import CONVERTED, NO_PROFILE, TO_SRGB
from pipelines.data.pictures.resizing import ResizeOptions
from pipelines.data.sources.example import Example
from tests.icc_profiles import (
    ADOBE,
    ADOBE_RGB,
    COLOURS,
    DARK_GREY,
    GAMMA,
    SRGB,
    icc_profile,
    to_srgb,
)

SIZE = ResizeOptions(8, 8, filter="nearest")
TRUE_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def stored(pixels, format, profile, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format, icc_profile=profile, **options)
    return file.getvalue()


def read(contents, fit=SIZE):
    (found,) = PictureReader(fit).read([Example("a", contents, ("a",))])
    assert found.reason is None
    return found.pixels, found.changes


EXACT = {
    "JPEG": {"quality": 100, "subsampling": 0},
    "PNG": {},
    "WEBP": {"lossless": True},
    "TIFF": {},
}


@pytest.mark.parametrize("format", EXACT)
def test_colours_become_srgb(format):
    pixels, changes = read(stored(COLOURS, format, ADOBE, **EXACT[format]))
    expected = to_srgb(COLOURS, ADOBE_RGB, GAMMA)[::2, ::2]
    assert changes == (TO_SRGB,) and np.abs(expected - COLOURS[::2, ::2]).max() > 20
    np.testing.assert_allclose(pixels, expected, atol=3)


def test_a_long_profile_is_put_together():
    long = icc_profile(b"RGB ", GAMMA, ADOBE_RGB, padding=150_000)
    short, _ = read(stored(COLOURS, "JPEG", ADOBE))
    pixels, changes = read(stored(COLOURS, "JPEG", long))
    np.testing.assert_array_equal(pixels, short)
    assert changes == (TO_SRGB,)


def test_transparency_is_kept():
    transparent = np.dstack([COLOURS, np.full(COLOURS.shape[:2], 255, np.uint8)])
    transparent[:8, :8, 3] = 0
    pixels, _ = read(stored(transparent, "PNG", ADOBE))
    assert (pixels[:4, :4] == 255).all()  # the background's white
    np.testing.assert_allclose(
        pixels[4:, 4:], to_srgb(COLOURS, ADOBE_RGB, GAMMA)[8::2, 8::2], atol=3
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_grey_has_profiles_too(format, channels):
    grey = np.full((16, 16), 100, np.uint8)
    fit = ResizeOptions(8, 8, channels, filter="nearest")
    pixels, changes = read(stored(grey, format, DARK_GREY), fit)
    lightness = to_srgb(np.full(3, 100), SRGB, 1.5)
    assert changes == (TO_SRGB,) and lightness[0] > 130
    np.testing.assert_allclose(pixels, np.full((8, 8, channels), lightness[0]), atol=2)


@pytest.mark.parametrize("format", EXACT)
def test_srgb_stays_as_it_is(format):
    pixels, changes = read(stored(COLOURS, format, TRUE_SRGB, **EXACT[format]))
    plain, _ = read(stored(COLOURS, format, None, **EXACT[format]))
    assert changes == ()
    np.testing.assert_array_equal(pixels, plain)


@pytest.mark.parametrize(
    "profile", [b"no profile", ADOBE[:200], DARK_GREY], ids=["text", "cut", "grey"]
)
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_profile_of_no_use_is_counted(format, profile):
    pixels, changes = read(stored(COLOURS, format, profile))
    plain, _ = read(stored(COLOURS, format, None))
    assert changes == (NO_PROFILE,)
    np.testing.assert_array_equal(pixels, plain)


def test_the_profile_of_inks_is_left_to_their_conversion():
    file = io.BytesIO()
    Image.fromarray(COLOURS).convert("CMYK").save(file, "JPEG", icc_profile=ADOBE)
    assert read(file.getvalue())[1] == (CONVERTED,)
