import numpy as np
import pytest
from PIL import Image

from pipelines.data.preparation.image_loading import PictureReader, ResizeOptions
from pipelines.data.sources.example import Example

data = pytest.importorskip("skimage.data")


@pytest.fixture(scope="module")
def photograph():
    return Image.fromarray(data.astronaut())


def read(fit, *pictures):
    examples = [Example(str(k), picture, ("a",)) for k, picture in enumerate(pictures)]
    return list(PictureReader(fit).read(examples))


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
