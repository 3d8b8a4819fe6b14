import functools
import io
import os
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from pipelines.data.pictures import picture_inspection, pillow_decoding
from pipelines.data.pictures.image_loading import PictureReader
from pipelines.data.pictures.library_messages import LibraryMessages
from pipelines.data.pictures.picture_changes import (
    CONVERTED,
    FIRST_FRAME,
    FLATTENED,
    SIXTEEN_BITS,
    TURNED,
)
from pipelines.data.pictures.resizing import ResizeOptions, pad
from pipelines.data.sources.example import Example
from t2i_tf.errors import UsageError

data = pytest.importorskip("skimage.data")


@pytest.fixture(scope="module")
def photograph():
    return Image.fromarray(data.astronaut())


reader = functools.cache(PictureReader)  # tracing takes longer than reading


def read_all(fit, *pictures):
    examples = [Example(str(k), picture, ("a",)) for k, picture in enumerate(pictures)]
    return list(reader(fit).read(examples))


def read(fit, *pictures):
    """The pixels of pictures, or the reasons why they cannot be read."""
    return [one.reason or one.pixels for one in read_all(fit, *pictures)]


def changes(contents):
    (found,) = read_all(ResizeOptions(8, 8), contents)
    return found.changes


def psnr(ours, theirs):
    return -20 * np.log10(np.sqrt(np.mean((ours.astype(float) - theirs) ** 2)) / 255)


@pytest.mark.parametrize("channels", [1, 3])
def test_kinds_of_files(tmp_path, photograph, channels):
    photograph.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    photograph.convert("L").save(tmp_path / "grey.jpg", quality=95)
    photograph.save(tmp_path / "progressive.jpg", quality=95, progressive=True)
    photograph.save(tmp_path / "png.jpg", format="PNG")
    photograph.save(tmp_path / "picture.bmp")
    files = sorted(tmp_path.iterdir())
    for file, ours in zip(files, read(ResizeOptions(40, 32, channels), *files), strict=True):
        assert ours.shape == (40, 32, channels)
        grey = channels == 1 or file.stem == "grey"
        theirs = photograph.convert("L" if grey else "RGB").resize(
            (32, 40), Image.Resampling.LANCZOS
        )
        theirs = np.asarray(theirs).reshape(40, 32, -1)
        assert psnr(ours, theirs) > 38, file.name


@pytest.mark.parametrize("side", [16, 48, 100, 300])
def test_reduced_decoding_agrees_with_full_decoding(tmp_path, photograph, side):
    photograph.save(tmp_path / "a.jpg", quality=95)
    (ours,) = read(ResizeOptions(side, side), tmp_path / "a.jpg")
    theirs = photograph.resize((side, side), Image.Resampling.LANCZOS)
    assert psnr(ours, np.asarray(theirs)) > 36


def test_crops():
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 200  # a square in the middle
    squashed, centred, padded = (
        read(ResizeOptions(20, 20, 3, "bilinear", crop), wide)[0]
        for crop in ("squash", "centre", "pad")
    )
    assert squashed[10].any(axis=-1).sum() == pytest.approx(8, abs=2)
    assert (centred == 200).all()
    assert not padded[:6].any()
    assert padded[10, 10].all()


def test_arrays_change_their_channels():
    grey = np.full((4, 4, 1), 77, np.uint8)
    (colour,) = read(ResizeOptions(4, 4, 3), grey)
    np.testing.assert_array_equal(colour, np.full((4, 4, 3), 77))
    (back,) = read(ResizeOptions(4, 4, 1), colour)
    np.testing.assert_array_equal(back, grey)
    assert (
        "expected (height, width, 1 or 3)"
        in read(ResizeOptions(4, 4, 3), np.zeros((4, 4), np.uint8))[0]
    )


def test_order_is_kept_around_bad_files(tmp_path):
    files = [tmp_path / f"{k}.png" for k in range(200)]
    for k, file in enumerate(files):
        Image.new("RGB", (4, 4), (k, k, k)).save(file)
    for k in (0, 63, 64, 150, 199):
        files[k].write_bytes(b"")
    found = [
        one if isinstance(one, str) else int(one[0, 0, 0])
        for one in read(ResizeOptions(2, 2), *files)
    ]
    expected = [k if k not in (0, 63, 64, 150, 199) else "empty file" for k in range(200)]
    assert found == expected


def encode(picture, format, **options):
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def two_halves(top=(255, 0, 0), bottom=(0, 0, 255), size=80):
    picture = Image.new("RGB", (size, size), bottom)
    picture.paste(top, (0, 0, size, size // 2))
    return picture


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_their_exif_says(photograph, format, orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    stored = photograph.crop((0, 0, 200, 120))
    shown = (
        stored.transpose(
            {
                2: Image.Transpose.FLIP_LEFT_RIGHT,
                3: Image.Transpose.ROTATE_180,
                4: Image.Transpose.FLIP_TOP_BOTTOM,
                5: Image.Transpose.TRANSPOSE,
                6: Image.Transpose.ROTATE_270,
                7: Image.Transpose.TRANSVERSE,
                8: Image.Transpose.ROTATE_90,
            }[orientation]
        )
        if orientation > 1
        else stored
    )
    (ours,) = read(ResizeOptions(32, 32), encode(stored, format, exif=exif, quality=95))
    expected = np.asarray(shown.resize((32, 32), Image.Resampling.LANCZOS))
    assert psnr(ours, expected) > 30


def test_broken_exif_loses_no_picture():
    jpeg = encode(two_halves(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xffnonsense")
    (ours,) = read(ResizeOptions(8, 8), jpeg)
    assert ours[0, 0, 0] > 200


def hidden_noise(mode):
    """A red square; random colours lie under the transparent pixels around it."""
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[..., :3] = np.random.default_rng(0).integers(0, 255, (64, 64, 3))
    pixels[16:48, 16:48] = (230, 30, 30, 255)
    picture = Image.fromarray(pixels)
    if mode == "P":
        picture = Image.new("P", (64, 64), 0)
        picture.putpalette([0, 255, 0, 230, 30, 30] + [0] * 762)
        picture.paste(1, (16, 16, 48, 48))
        picture.info["transparency"] = 0
    return picture if mode in ("RGBA", "P") else picture.convert(mode)


@pytest.mark.parametrize(
    ("mode", "format"),
    [
        ("RGBA", "PNG"),
        ("LA", "PNG"),
        ("P", "PNG"),
        ("P", "GIF"),
        ("RGBA", "WEBP"),
        ("RGBA", "TIFF"),
    ],
)
@pytest.mark.parametrize(("background", "expected"), [("white", 255), ("#102030", None)])
def test_transparent_pixels_show_the_background(mode, format, background, expected):
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    contents = encode(hidden_noise(mode), format, **options)
    (ours,) = read(ResizeOptions(64, 64, 3, "nearest", background=background), contents)
    colour = (expected,) * 3 if expected else (0x10, 0x20, 0x30)
    assert (ours[:16] == colour).all()
    assert not (ours[32, 32] == colour).all()


def test_half_transparent_pixels_are_blended():
    half = Image.new("RGBA", (8, 8), (200, 10, 10, 128))
    (ours,) = read(ResizeOptions(8, 8), encode(half, "WEBP", lossless=True))
    np.testing.assert_allclose(ours[4, 4], [227, 132, 132], atol=1)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation_is_read(format):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ((200, 0, 0), (0, 200, 0))]
    contents = encode(frames[0], format, save_all=True, append_images=frames[1:])
    (ours,) = read(ResizeOptions(4, 4), contents)
    np.testing.assert_allclose(ours[2, 2], [200, 0, 0], atol=6)


@pytest.mark.parametrize("bits", [2, 16, 256])
@pytest.mark.parametrize("format", ["BMP", "PNG", "GIF", "TIFF"])
def test_colours_of_a_palette(bits, format):
    picture = two_halves((230, 30, 30), (240, 240, 240)).quantize(bits)
    (ours,) = read(ResizeOptions(8, 8), encode(picture, format))
    np.testing.assert_allclose(ours[0, 4], [230, 30, 30], atol=4)
    np.testing.assert_allclose(ours[7, 4], [240, 240, 240], atol=4)


def test_sixteen_bits_keep_their_range():
    grey = Image.fromarray(np.full((8, 8), 40_000, np.uint16))
    (ours,) = read(ResizeOptions(8, 8), encode(grey, "PNG"))
    assert (ours == 40_000 >> 8).all()
    (reason,) = read(ResizeOptions(8, 8), encode(Image.new("F", (8, 8), 0.5), "TIFF"))
    assert "32 bits" in reason


def spoilt(contents, kind):
    middle, random = len(contents) // 2, np.random.default_rng(5)
    return {
        "hole": contents[:middle] + bytes(1024) + contents[middle + 1024 :],
        "ended": contents[:middle] + b"\xff\xd9",
        "filled up": contents[:middle] + bytes(len(contents) - middle - 2) + b"\xff\xd9",
        "lost": contents[:middle] + contents[middle + 1500 :],
        "noise": contents[:middle] + random.bytes(1500) + contents[middle + 1500 :],
        "cut off": contents[:middle],
    }[kind]


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("kind", ["hole", "ended", "filled up", "lost", "noise", "cut off"])
def test_damaged_jpegs_are_refused(photograph, tmp_path, capfd, options, kind):
    good = encode(photograph, "JPEG", quality=90, **options)
    (tmp_path / "a.jpg").write_bytes(good)
    (tmp_path / "b.jpg").write_bytes(spoilt(good, kind))
    first, reason, last = read(
        ResizeOptions(), *(tmp_path / f"{name}.jpg" for name in ("a", "b", "a"))
    )
    np.testing.assert_array_equal(first, last)
    assert isinstance(reason, str)
    assert reason.startswith(("damaged JPEG: ", "truncated JPEG: "))
    assert "Corrupt JPEG" not in capfd.readouterr().err


def test_blank_jpegs_and_padded_ones_are_no_damage():
    blank = encode(Image.new("RGB", (640, 480), "white"), "JPEG", optimize=True)
    padded = encode(two_halves(), "JPEG")
    padded = padded[:-2] + bytes(6) + padded[-2:]
    assert [one.shape for one in read(ResizeOptions(), blank, padded)] == [(32, 32, 3)] * 2


def test_messages_of_libraries_are_kept_and_those_of_others_passed_on(capfd):
    logged = b"2026-01-01 00:00:00.0: W tensorflow/core/x.cc:1] a warning\nx.py:3: UserWarning: y\n"
    with LibraryMessages() as messages:
        os.write(2, b"Corrupt JPEG data: premature end of data segment\n" + logged)
        assert messages.take_damage() == "Corrupt JPEG data: premature end of data segment"
        assert messages.take_damage() is None
        os.write(2, b"LZWDecode: Not enough data\n\nlibpng warning: iCCP\n")
    assert capfd.readouterr().err == logged.decode()
    assert messages.others == ["LZWDecode: Not enough data", "libpng warning: iCCP"]


def test_what_libtiff_says_is_not_on_stderr(photograph, capfd):
    contents = bytearray(encode(photograph, "TIFF", compression="tiff_lzw"))
    middle = len(contents) // 2
    contents[middle : middle + 60] = bytes(60)
    reader = PictureReader(ResizeOptions())
    (found,) = reader.read([Example("0", bytes(contents), ("x",))])
    assert found.reason == "damaged: decoder error, its data cannot be read"
    assert capfd.readouterr().err == ""
    (message,) = reader.take_messages()
    assert message.startswith("LZW") and reader.take_messages() == []


@pytest.mark.parametrize(
    ("format", "reason"),
    [("TIFF", "damaged: image file is trunc"), ("AVIF", "damaged AVIF"), ("JPEG2000", "damaged")],
)
def test_cut_files_are_called_damaged_and_not_no_pictures(photograph, format, reason):
    contents = encode(photograph, format)
    (found,) = read(ResizeOptions(), contents[: len(contents) // 3])
    assert found.startswith(reason)


@pytest.mark.parametrize("format", ["PNG", "GIF", "BMP", "WEBP"])
def test_cut_files_of_other_formats_are_refused(photograph, format):
    contents = encode(photograph, format)
    (reason,) = read(ResizeOptions(), contents[: len(contents) // 2])
    assert isinstance(reason, str)
    assert "0x" not in reason


def test_a_png_with_a_wrong_checksum_is_refused(photograph):
    contents = bytearray(encode(photograph, "PNG"))
    contents[len(contents) // 2] ^= 1
    (reason,) = read(ResizeOptions(), bytes(contents))
    assert reason.startswith("damaged")


def test_bombs_are_refused_and_large_pictures_reduced(monkeypatch):
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header
    bomb += struct.pack(">I", zlib.crc32(header)) + struct.pack(">I", 0) + b"IDAT\x35\xaf\x06\x1e"
    assert read(ResizeOptions(), bomb) == ["more than 89 million pixels"]
    monkeypatch.setattr(pillow_decoding, "MAX_PIXELS", 6_000)
    assert read(ResizeOptions(), encode(two_halves(), "PNG"))[0] == (
        "80x80 pixels, more than 0 million"
    )
    monkeypatch.setattr(pillow_decoding, "MAX_PIXELS", 10_000)
    monkeypatch.setattr(pillow_decoding, "LARGE", 1_000)
    (ours,) = read(ResizeOptions(4, 4), encode(two_halves(), "PNG"))
    assert ours[0, 0].tolist() == [255, 0, 0]
    assert ours[3, 3].tolist() == [0, 0, 255]


def test_files_bytes_and_arrays_together(tmp_path):
    two_halves().save(tmp_path / "a.png")
    file, contents, array, missing = read(
        ResizeOptions(4, 4),
        tmp_path / "a.png",
        (tmp_path / "a.png").read_bytes(),
        np.asarray(two_halves()),
        tmp_path / "b.png",
    )
    np.testing.assert_array_equal(file, contents)
    np.testing.assert_array_equal(file, array)
    assert missing == "missing"


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"", "empty file"),
        (b" <svg/>", "text (HTML or XML), not a picture"),
        (b"\0\0\0\x18ftypheic....", "HEIC, which is not read: convert it to JPEG or PNG"),
        (b"\xff\x0a....", "JPEG XL, which is not read: convert it to JPEG or PNG"),
        (b"\x89PNG\r\n\x1a\n", "damaged PNG: its header cannot be read"),
        (b"hello", "not a picture: neither JPEG, PNG, GIF, BMP, WebP, TIFF nor AVIF"),
    ],
)
def test_reasons(contents, reason):
    assert read(ResizeOptions(), contents) == [reason]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"height": 0}, "--height to be 1 or more and at most 4096, got 0"),
        ({"width": 5000}, "--width to be 1 or more and at most 4096, got 5000"),
        ({"background": "wite"}, "--background: expected a colour .* got 'wite'"),
        ({"background": "rgb(300,0,0)"}, "--background: expected a colour .* got 'rgb"),
    ],
)
def test_impossible_options(options, message):
    with pytest.raises(UsageError, match=message):
        ResizeOptions(**options)


def turned(format):
    exif = Image.Exif()
    exif[0x112] = 6
    return encode(two_halves(), format, exif=exif)


def animated(format):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ((200, 0, 0), (0, 200, 0))]
    return encode(frames[0], format, save_all=True, append_images=frames[1:])


def png_with_16_bits_per_colour():
    rows = b"".join(b"\0" + b"\x80\x00\x40\x00\x20\x00" * 4 for _ in range(4))
    chunks = [
        b"IHDR" + struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0),
        b"IDAT" + zlib.compress(rows),
        b"IEND",
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )


def test_what_is_changed_is_told():
    opaque = Image.new("RGBA", (8, 8), (9, 9, 9, 255))
    grey = Image.fromarray(np.full((8, 8), 40_000, np.uint16))
    assert changes(encode(two_halves(), "JPEG")) == changes(encode(two_halves(), "PNG")) == ()
    assert changes(encode(opaque, "PNG")) == changes(encode(two_halves().quantize(4), "BMP")) == ()
    for format in ("JPEG", "PNG", "WEBP", "TIFF"):
        assert changes(turned(format)) == (TURNED,)
    for format in ("GIF", "WEBP", "PNG"):
        assert changes(animated(format)) == (FIRST_FRAME,)
    assert changes(encode(hidden_noise("RGBA"), "PNG")) == (FLATTENED,)
    assert changes(encode(hidden_noise("P"), "GIF")) == (FLATTENED,)
    assert changes(encode(grey, "PNG")) == changes(encode(grey, "TIFF")) == (SIXTEEN_BITS,)
    assert changes(png_with_16_bits_per_colour()) == (SIXTEEN_BITS,)
    for format in ("JPEG", "TIFF"):
        assert changes(encode(two_halves().convert("CMYK"), format)) == (CONVERTED,)


def test_a_cmyk_jpeg_has_the_colours_that_pillow_reads(photograph):
    contents = encode(photograph.convert("CMYK"), "JPEG", quality=95)
    (ours,) = read(ResizeOptions(32, 32), contents)
    theirs = Image.open(io.BytesIO(contents)).convert("RGB").resize((32, 32), 1)
    assert psnr(ours, np.asarray(theirs)) > 30


def test_what_cameras_append_to_a_jpeg_is_no_damage():
    jpeg = encode(two_halves(), "JPEG")
    (ours, other) = read(ResizeOptions(8, 8), jpeg, jpeg + b"ftypmp42" + bytes(5000) + b"film")
    np.testing.assert_array_equal(ours, other)


def test_large_jpegs_are_decoded_alone_and_bombs_are_not(monkeypatch, photograph):
    (expected,) = read(ResizeOptions(), encode(photograph, "JPEG"))
    monkeypatch.setattr(picture_inspection, "LARGE", 1_000)
    (alone,) = read(ResizeOptions(), encode(photograph, "JPEG"))
    np.testing.assert_array_equal(alone, expected)
    bomb = bytearray(encode(two_halves(), "JPEG"))
    frame = bomb.index(b"\xff\xc0")
    bomb[frame + 5 : frame + 9] = struct.pack(">HH", 20_000, 20_000)
    assert read(ResizeOptions(), bytes(bomb)) == ["20,000x20,000 pixels, more than 358 million"]
    progressive = bytearray(encode(two_halves(), "JPEG", progressive=True))
    frame = progressive.index(b"\xff\xc2")
    progressive[frame + 5 : frame + 9] = struct.pack(">HH", 10_000, 10_000)
    assert read(ResizeOptions(), bytes(progressive)) == [
        "10,000x10,000 pixels, more than 89 million"
    ]


def test_names_of_files_need_not_be_utf_8(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    path.write_bytes(encode(two_halves(), "JPEG"))
    (ours,) = read(ResizeOptions(4, 4), path)
    assert ours.shape == (4, 4, 3)


def test_padding_is_tensorflows():
    random = np.random.default_rng(0)
    for height, width in ((7, 50), (50, 7), (33, 31), (8, 16), (3, 3)):
        pixels = random.integers(0, 256, (height, width, 3), np.uint8)
        expected = tf.image.resize_with_pad(pixels, 8, 16, "lanczos3", antialias=True)
        np.testing.assert_array_equal(pad(tf.constant(pixels), ResizeOptions(8, 16)), expected)


@pytest.mark.parametrize("crop", ["squash", "centre", "pad"])
def test_tiny_and_long_pictures(crop):
    pictures = [encode(Image.new("RGB", size, "red"), "PNG") for size in ((1, 1), (1, 900))]
    found = read(ResizeOptions(8, 16, 3, "bilinear", crop), *pictures)
    assert [one.shape for one in found] == [(8, 16, 3)] * 2


def test_a_pipe_and_a_folder_are_no_pictures(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")  # reading it would wait for ever
    (tmp_path / "folder.jpg").mkdir()
    found = read(ResizeOptions(), tmp_path / "pipe.jpg", tmp_path / "folder.jpg")
    assert found == ["cannot be read: not a file"] * 2
