import io

import numpy as np
import pytest
from PIL import Image

from pipelines.studies.bits_per_dim.file_formats import FORMATS, PNG_FRAME, _file, file_bits


def noise(channels, side=16):
    return np.random.default_rng(0).integers(0, 256, (2, side, side, channels), np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", FORMATS)
def test_a_file_loses_nothing_and_its_size_is_counted(name, channels):
    images = noise(channels)
    images[1] = 200
    files = [_file(image, FORMATS[name]) for image in images]
    for image, file in zip(images, files, strict=True):
        decoded = np.array(Image.open(io.BytesIO(file)).convert("L" if channels == 1 else "RGB"))
        np.testing.assert_array_equal(decoded.reshape(image.shape), image)
    bits = file_bits(images, name)
    np.testing.assert_allclose(bits, [8 * len(file) / images[0].size for file in files])
    assert bits[0] > 8 > 3 > bits[1]


def test_the_frame_of_a_png_is_what_surrounds_its_pixels():
    file = _file(noise(3)[0], FORMATS["PNG"])
    pixels = int.from_bytes(file[33:37])
    assert file[37:41] == b"IDAT" and len(file) - pixels == PNG_FRAME
