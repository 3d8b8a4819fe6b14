"""Every format but JPEG, decoded by Pillow: upright, the first frame, and nothing transparent."""

import io
import threading
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "GIF", "BMP", "DIB", "WEBP", "TIFF", "AVIF", "JPEG2000", "PPM", "ICO")
MAX_PIXELS = Image.MAX_IMAGE_PIXELS  # 89 million: more in a small file is taken for a bomb
LARGE = 16_000_000  # pixels; such pictures are decoded one at a time and reduced
REDUCED_MARGIN = 4  # pixels that a reduced picture keeps for each pixel of the target, per side
STARTS = {b"\x89PNG": "PNG", b"GIF8": "GIF", b"BM": "BMP", b"RIFF": "WebP"}
GREY = ("1", "L")
SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N")

# Large pictures are refused below, and broken EXIF is ignored.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")

_one_large = threading.Lock()


class UnreadableError(Exception):
    """A picture that is not decoded, and the reason for people."""


def decode_with_pillow(
    contents: bytes, background: tuple[int, int, int], height: int, width: int
) -> np.ndarray:
    """A file's bytes as uint8 [h, w, 1 or 3]; h and w are its own, or less if it is large.

    Args:
        contents: The file.
        background: Colour behind transparent pixels.
        height, width: Size that the picture gets later, pixels.

    Raises:
        UnreadableError: it cannot be decoded, or has too many pixels.
    """
    try:
        picture = Image.open(io.BytesIO(contents), formats=FORMATS)
        refuse_bomb(*picture.size)
        if picture.format == "PNG":
            Image.open(io.BytesIO(contents), formats=("PNG",)).verify()  # the checksums
        if picture.width * picture.height <= LARGE:
            return opaque_pixels(picture, background, 1)
        shrink = min(picture.height / height, picture.width / width) / REDUCED_MARGIN
        with _one_large:
            return opaque_pixels(picture, background, max(1, int(shrink)))
    except UnreadableError:
        raise
    except Image.DecompressionBombError:
        raise UnreadableError(f"more than {MAX_PIXELS / 1e6:.0f} million pixels") from None
    except UnidentifiedImageError:
        raise UnreadableError(unidentified_reason(contents)) from None
    except MemoryError:
        raise UnreadableError("too large for the memory") from None
    except Exception as error:  # decoders fail in many ways on damaged files
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UnreadableError(f"damaged: {reason}") from None


def unidentified_reason(contents: bytes) -> str:
    """Why Pillow knows no format of a file."""
    for start, name in STARTS.items():
        if contents.startswith(start):
            return f"damaged {name}: its header cannot be read"
    return "not a picture: neither JPEG, PNG, GIF, BMP, WebP, TIFF nor AVIF"


def refuse_bomb(width: int, height: int) -> None:
    """Raises UnreadableError if a picture has more pixels than any photograph."""
    if width * height > MAX_PIXELS:
        raise UnreadableError(bomb_reason(width, height))


def bomb_reason(width: int, height: int) -> str:
    """Why a picture of so many pixels is not decoded."""
    return f"{width:,}x{height:,} pixels, more than {MAX_PIXELS / 1e6:.0f} million"


def opaque_pixels(
    picture: Image.Image, background: tuple[int, int, int], reduce: int
) -> np.ndarray:
    """A picture as uint8 [h, w, 1 or 3], turned upright, over a background."""
    picture = without_palette(upright(picture))
    if reduce > 1:
        picture = picture.reduce(reduce)
    if picture.mode == "RGBA":
        behind = Image.new("RGBA", picture.size, (*background, 255))
        picture = Image.alpha_composite(behind, picture).convert("RGB")
    pixels = np.asarray(picture)
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def upright(picture: Image.Image) -> Image.Image:
    """The first frame as its EXIF orientation says."""
    picture.load()
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # broken EXIF is no reason to lose a picture
        return picture


def without_palette(picture: Image.Image) -> Image.Image:
    """A picture in one of the modes L, RGB and RGBA.

    Raises:
        UnreadableError: its numbers have no known range.
    """
    if picture.mode in SIXTEEN_BITS:
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise UnreadableError("pixels of 32 bits, whose range is unknown: save it with 8 bits")
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    return picture.convert("L" if picture.mode in GREY else "RGB")
