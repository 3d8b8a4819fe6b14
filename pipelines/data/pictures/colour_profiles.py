"""Colours by a picture's ICC profile -> sRGB, by LittleCMS.

Cameras and phones store wider ranges of colours than screens have (Adobe RGB, Display P3). Read as
sRGB, they look pale.
"""

import functools
import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

from pipelines.data.pictures.picture_changes import NO_PROFILE, TO_SRGB

GREY, RGB = 1, 3  # channels of a file
MODES = {("GRAY", GREY): "L", ("RGB", RGB): "RGB"}
SAME = 2  # of 255: a profile that moves no colour by more is sRGB by another name

Convert = Callable[[Image.Image], Image.Image]


@functools.lru_cache(maxsize=64)
def conversion_to_srgb(profile: bytes, channels: int) -> tuple[Convert | None, str | None]:
    """How the colours of a picture become sRGB, and what that changes, see `picture_changes`.

    Args:
        profile: The file's ICC profile, or nothing.
        channels: Channels of the file, 1 or 3; others are converted without their profile.

    Returns:
        A function of pictures in the modes L, RGB and RGBA, and its change; None and None if the
        colours are sRGB already, None and a change if the profile is of no use.
    """
    if not profile or channels not in (GREY, RGB):
        return None, None
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = MODES[opened.profile.xcolor_space.strip(), channels]
        transform = ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), mode, "RGB")
    except Exception:  # readers of profiles fail in many ways on broken ones
        return None, NO_PROFILE

    def convert(picture: Image.Image) -> Image.Image:
        colours = ImageCms.applyTransform(picture.convert(mode), transform)
        if picture.mode == "RGBA":
            colours.putalpha(picture.getchannel("A"))
        return colours.convert(picture.mode)

    return (convert, TO_SRGB) if _largest_difference(convert, mode) > SAME else (None, None)


def convert_pixels(pixels: np.ndarray, convert: Convert) -> np.ndarray:
    """What such a function makes of uint8 [h, w, 1 or 3]."""
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    return np.asarray(convert(picture)).reshape(pixels.shape)


def _largest_difference(convert: Convert, mode: str) -> int:
    """By how much a conversion moves any of many colours, of 255."""
    levels = np.linspace(0, 255, 16).astype(np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(-1, 16, 3)
    before = Image.fromarray(colours).convert(mode)
    return int(np.abs(np.asarray(convert(before), int) - np.asarray(before, int)).max())
