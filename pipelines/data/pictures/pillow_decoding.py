"""Every format but JPEG, decoded by Pillow: upright, the first frame, and nothing transparent."""

import io
import re
import threading
import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError

from pipelines.data.pictures import colour_profiles
from pipelines.data.pictures.picture_changes import (
    CONVERTED,
    FIRST_FRAME,
    FLATTENED,
    SIXTEEN_BITS,
    TURNED,
    change_bits,
)

FORMATS = ("PNG", "GIF", "BMP", "DIB", "WEBP", "TIFF", "AVIF", "JPEG2000", "PPM", "ICO")
MAX_PIXELS = Image.MAX_IMAGE_PIXELS or 89_478_485  # more in a small file is taken for a bomb
LARGE = 16_000_000  # pixels; such pictures are decoded one at a time and reduced
REDUCED_MARGIN = 4  # pixels that a reduced picture keeps for each pixel of the target, per side
STARTS = {
    b"\x89PNG": "PNG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"RIFF": "WebP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
}
AVIF_BRANDS = (b"ftypavif", b"ftypavis")  # bytes 4 to 12
GREY = ("1", "L")
SIXTEEN_BIT_GREY = ("I;16", "I;16B", "I;16L", "I;16N")
PLAIN = ("1", "L", "P", "RGB", "RGBX", "RGBA", "LA", "PA", "La", "RGBa")  # RGB or grey

ORIENTATION = 0x112  # EXIF tag

# Large pictures are refused below, and broken EXIF is ignored.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")

_one_large = threading.Lock()


class UnreadableError(Exception):
    """A picture that is not decoded, and the reason for people."""


def decode_with_pillow(
    contents: bytes, background: tuple[int, int, int], height: int, width: int
) -> tuple[np.ndarray, int]:
    """A file's bytes as uint8 [h, w, 1 or 3], and the bits of what was changed.

    The size h x w is the picture's own, or less if it is large.

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
            return opaque_pixels(picture, contents, background, 1)
        shrink = min(picture.height / height, picture.width / width) / REDUCED_MARGIN
        with _one_large:
            return opaque_pixels(picture, contents, background, max(1, int(shrink)))
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
        reason = re.sub(r"^(decoder error) -\d+$", r"\1, its data cannot be read", reason)
        raise UnreadableError(f"damaged: {reason}") from None


def unidentified_reason(contents: bytes) -> str:
    """Why Pillow recognizes no format in a file."""
    for start, name in STARTS.items():
        if contents.startswith(start):
            return f"damaged {name}: its header cannot be read"
    if contents[4:12] in AVIF_BRANDS:
        return "damaged AVIF: its header or its data cannot be read"
    return "not a picture: neither JPEG, PNG, GIF, BMP, WebP, TIFF nor AVIF"


def refuse_bomb(width: int, height: int) -> None:
    """Raises UnreadableError if a picture has more pixels than any photograph."""
    if width * height > MAX_PIXELS:
        raise UnreadableError(bomb_reason(width, height, MAX_PIXELS))


def bomb_reason(width: int, height: int, limit: int) -> str:
    """Why a picture of so many pixels is not decoded."""
    return f"{width:,}x{height:,} pixels, more than {limit / 1e6:.0f} million"


def opaque_pixels(
    picture: Image.Image, contents: bytes, background: tuple[int, int, int], reduce: int
) -> tuple[np.ndarray, int]:
    """A picture as uint8 [h, w, 1 or 3], upright and over a background, and what was changed."""
    happened = {
        FIRST_FRAME: getattr(picture, "is_animated", False),
        SIXTEEN_BITS: has_sixteen_bits(picture, contents),
        CONVERTED: picture.mode not in PLAIN + SIXTEEN_BIT_GREY,
        TURNED: read_orientation(picture) > 1,
    }
    to_srgb, profile_change = colour_profiles.conversion_to_srgb(
        picture.info.get("icc_profile") or b"", channels_of(picture)
    )
    if profile_change:
        happened[profile_change] = True
    picture.load()
    orientation = read_orientation(picture)  # 1 where loading has turned it, as for TIFF
    picture = without_palette(picture)
    if reduce > 1:
        picture = picture.reduce(reduce)
    if to_srgb:
        picture = to_srgb(picture)
    if picture.mode == "RGBA":
        happened[FLATTENED] = picture.getchannel("A").getextrema()[0] < 255
        behind = Image.new("RGBA", picture.size, (*background, 255))
        picture = Image.alpha_composite(behind, picture).convert("RGB")
    if orientation > 1:
        picture = picture.transpose(TRANSPOSES[orientation])
    pixels = np.asarray(picture)
    return (pixels[..., np.newaxis] if pixels.ndim == 2 else pixels), change_bits(happened)


TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 if there is none or it is unreadable."""
    try:
        found = picture.getexif().get(ORIENTATION)
    except Exception:  # broken EXIF is no reason to lose a picture
        return 1
    return found if found in TRANSPOSES else 1


def has_sixteen_bits(picture: Image.Image, contents: bytes) -> bool:
    """Whether a picture has more bits than are kept; Pillow reads colours with 16 bits as 8."""
    depth = contents[24] if picture.format == "PNG" and len(contents) > 24 else 8
    return depth == 16 or picture.mode in SIXTEEN_BIT_GREY or ";16" in raw_mode(picture)


def channels_of(picture: Image.Image) -> int:
    """Channels of a file's colours: 1 for grey, 3 for RGB, 0 for others."""
    if picture.mode in (*GREY, *SIXTEEN_BIT_GREY, "LA", "La"):
        return colour_profiles.GREY
    return colour_profiles.RGB if picture.mode in PLAIN else 0


def raw_mode(picture: Image.Image) -> str:
    """How the file of a picture that is not yet decoded stores its pixels, in Pillow's terms."""
    tiles = getattr(picture, "tile", None)
    return str(tiles[0][-1]) if tiles else ""


def without_palette(picture: Image.Image) -> Image.Image:
    """A picture in one of the modes L, RGB and RGBA.

    Raises:
        UnreadableError: its numbers have no known range, or its colours no known meaning.
    """
    if picture.mode in SIXTEEN_BIT_GREY:
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise UnreadableError("pixels of 32 bits, whose range is unknown: save it with 8 bits")
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    try:
        return picture.convert("L" if picture.mode in GREY else "RGB")
    except ValueError:
        raise UnreadableError(
            f"colours as {picture.mode}, which are not read: save it in RGB"
        ) from None
