import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipelines.data.pictures.image_loading import PictureReader, ResizeOptions
from pipelines.data.pictures.picture_changes import CONVERTED, NO_PROFILE, TO_SRGB
from pipelines.data.sources.example import Example

# Columns: red, green and blue as XYZ seen in the light D50, by the specifications.
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
D50 = (0.9642, 1.0, 0.8249)
GAMMA = 563 / 256

SIZE = ResizeOptions(8, 8, filter="nearest")
COLOURS = np.full((16, 16, 3), 128, np.uint8)
COLOURS[:8, :8], COLOURS[8:, :8], COLOURS[8:, 8:] = (180, 90, 60), (90, 150, 80), (70, 80, 160)
TRUE_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def fixed(*numbers):
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(gamma * 256))


def icc_profile(space, gamma, primaries=(), padding=0):
    """An ICC profile, version 2, of a screen with these primaries or of a grey one."""
    tags = {b"wtpt": b"XYZ \0\0\0\0" + fixed(*D50)}
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + bytes(78)
    tags[b"pad "] = b"text\0\0\0\0" + b"x" * padding + b"\0"
    for name, xyz in zip((b"r", b"g", b"b"), primaries, strict=bool(primaries)):
        tags |= {name + b"XYZ": b"XYZ \0\0\0\0" + fixed(*xyz), name + b"TRC": curve(gamma)}
    if not primaries:
        tags[b"kTRC"] = curve(gamma)
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(
        ">I4xI4s4s4s12x4s", start + len(body), 0x2400000, b"mntr", space, b"XYZ ", b"acsp"
    )
    return header.ljust(68, b"\0") + fixed(*D50).ljust(60, b"\0") + table + body


ADOBE = icc_profile(b"RGB ", GAMMA, ADOBE_RGB)
DARK_GREY = icc_profile(b"GRAY", 1.5)


def stored(pixels, format, profile, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format, icc_profile=profile, **options)
    return file.getvalue()


def read(contents, fit=SIZE):
    (found,) = PictureReader(fit).read([Example("a", contents, ("a",))])
    assert found.reason is None
    return found.pixels, found.changes


def to_srgb(pixels, primaries, gamma):
    """The same by matrices, in NumPy."""
    linear = (pixels / 255) ** gamma @ np.array(primaries) @ np.linalg.inv(np.array(SRGB))
    curved = np.where(
        linear < 0.0031308, 12.92 * linear, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055
    )
    return 255 * curved.clip(0, 1)


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
