"""Picture files of any size and kind as PNGs that a model scores.

They become what `prepare` makes of the pictures that a model is trained on: upright, in sRGB, on
white where they are transparent, with 8 bits a channel.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".avif"}

_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N")
_SPACES = {"L": "GRAY", "RGB": "RGB"}  # by mode


@dataclass(frozen=True)
class ImageShape:
    """Height, width and channels of the model's images."""

    height: int
    width: int
    channels: int


def read_png(path: Path, shape: ImageShape) -> bytes:
    """A picture file as a PNG of a shape.

    Raises:
        OSError, ValueError, SyntaxError, Image.DecompressionBombError: it cannot be read.
    """
    with Image.open(path) as image:
        profile = image.info.get("icc_profile")
        opaque = _opaque(_upright(image), profile)
    converted = opaque.convert("L" if shape.channels == 1 else "RGB")
    file = io.BytesIO()
    converted.resize((shape.width, shape.height), Image.Resampling.LANCZOS).save(file, "PNG")
    return file.getvalue()


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # broken EXIF is no reason to lose a picture
        return image


def _opaque(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture in the mode L or RGB, in sRGB and on white."""
    if image.mode in _SIXTEEN_BITS:
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if not image.has_transparency_data:
        return _srgb(image if image.mode in _SPACES else image.convert("RGB"), profile)
    transparent = image.convert("RGBA")
    colours = _srgb(transparent.convert("RGB"), profile)
    white = Image.new("RGB", image.size, "white")
    return Image.composite(colours, white, transparent.getchannel("A"))


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture in the mode L or RGB, whose colours are by a profile, in sRGB."""
    if not profile:
        return image
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if opened.profile.xcolor_space.strip() != _SPACES[image.mode]:
            return image  # of the inks that the picture had, say
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, opened, target, outputMode="RGB") or image
    except Exception:  # readers of profiles fail in many ways on broken ones
        return image
