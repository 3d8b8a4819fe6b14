"""The length of pictures as losslessly compressed files, by Pillow."""

import io
from typing import Any

import numpy as np
from PIL import Image

FORMATS: dict[str, dict[str, Any]] = {  # name -> how Pillow writes it
    "PNG": {"format": "PNG", "optimize": True},
    # Of photographs at 32x32, the slower methods 5 and 6 make larger files.
    "WebP": {"format": "WEBP", "lossless": True, "quality": 100, "method": 4, "exact": True},
}
PNG_FRAME = 57  # bytes of a PNG around its pixels: signature, header, end, and chunk lengths


def file_bits(images: np.ndarray, name: str) -> np.ndarray:
    """Bits of each picture's file, per pixel and channel.

    Args:
        images: uint8 [n, H, W, C].
        name: one of `FORMATS`.

    Returns:
        [n].
    """
    sizes = [len(_file(image, FORMATS[name])) for image in images]
    return 8 * np.array(sizes) / images[0].size


def _file(image: np.ndarray, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    pixels = image[..., 0] if image.shape[-1] == 1 else image
    Image.fromarray(pixels).save(file, **options)
    return file.getvalue()
