"""What is known of a picture before it is decoded: its file's state, and how to decode it."""

import errno
import stat
import zlib
from pathlib import Path

import msgspec
import numpy as np

from pipelines.data.pictures.colour_profiles import Convert, conversion_to_srgb
from pipelines.data.pictures.jpeg_inspection import read_header
from pipelines.data.pictures.picture_changes import CONVERTED, TURNED, change_bits
from pipelines.data.pictures.pillow_decoding import LARGE, MAX_PIXELS, bomb_reason

JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
JPEG_RATIOS = (1, 2, 4, 8)
PILLOW = len(JPEG_RATIOS)  # the decoder of everything else
MAX_JPEG_PIXELS = 4 * MAX_PIXELS  # even at an eighth of its size, a JPEG is read whole

# A reduced decode has at least this many pixels for each pixel of the target, in each dimension.
# PSNR against a full decode of photographs, 640x480 to 32x32: 44 dB (with 2 instead of 1.5: 47 dB,
# and 20 % slower).
JPEG_MARGIN = 1.5

UNREAD_FORMATS = {  # bytes 4 to 12, or the first two
    b"ftypheic": "HEIC",
    b"ftypheix": "HEIC",
    b"ftyphevc": "HEIC",
    b"ftypmif1": "HEIC",
    b"ftypmsf1": "HEIC",
    b"JXL \r\n\x87\n": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
}

LFS_POINTER = b"version https://git-lfs"

Picture = Path | bytes | np.ndarray


class FileState(msgspec.Struct, frozen=True, array_like=True):
    """A picture when it was read: size in bytes, time of its last change, CRC-32 of its bytes.

    The time is 0 for a picture that is no file of its own.
    """

    size: int
    changed_ns: int
    crc32: int

    def has_same_contents(self, other: "FileState | None") -> bool:
        """Whether another state is one of the same bytes."""
        return other is not None and (self.size, self.crc32) == (other.size, other.crc32)


class Inspected(msgspec.Struct, frozen=True):
    """What is known of a picture before it is decoded.

    Args:
        decoder: Index in `JPEG_RATIOS`, or `PILLOW`.
        orientation: EXIF orientation of a JPEG, 1 to 8; Pillow finds it by itself.
        changes: Bits of what decoding a JPEG changes, see `picture_changes`.
        to_srgb: How the colours of a JPEG become sRGB; None if they are.
        is_large: Whether it needs so much memory that it is decoded while no other is.
        reason: Why it is not decoded, or None.
        state: The state of its bytes; None for an array, and for a file that cannot be read.
    """

    decoder: int = PILLOW
    orientation: int = 1
    changes: int = 0
    to_srgb: Convert | None = None
    is_large: bool = False
    reason: str | None = None
    state: FileState | None = None


def inspect_picture(picture: Picture, height: int, width: int) -> Inspected:
    """How to decode a picture, or why it cannot be.

    Args:
        picture: A file, the contents of one, or an array, of which nothing has to be known.
        height, width: Size that the picture gets later, pixels.
    """
    if isinstance(picture, np.ndarray):
        return Inspected()
    try:
        contents, state = read_contents(picture)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        return Inspected(reason=read_failure(error))
    if contents.startswith(JPEG_START):
        return inspect_jpeg(contents, state, height, width)
    return Inspected(reason=unreadable_reason(contents), state=state)


def read_contents(picture: Path | bytes) -> tuple[bytes, FileState]:
    """The bytes of a picture, and their state.

    Raises:
        OSError: it cannot be read, or is not a regular file: a pipe would block.
    """
    if not isinstance(picture, Path):
        return picture, FileState(len(picture), 0, zlib.crc32(picture))
    described = picture.stat()
    if not stat.S_ISREG(described.st_mode):
        raise OSError(errno.EINVAL, "not a file", str(picture))
    contents = picture.read_bytes()
    return contents, FileState(len(contents), described.st_mtime_ns, zlib.crc32(contents))


def read_failure(error: OSError | ValueError) -> str:
    """Why the bytes of a file cannot be read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "missing"
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def inspect_jpeg(contents: bytes, state: FileState, height: int, width: int) -> Inspected:
    """How to decode a JPEG: at which ratio, and turned in which way."""
    header = read_header(contents)
    rows, columns = header.height, header.width
    if header.orientation >= 5:
        rows, columns = columns, rows
    shrinks = min(rows / height, columns / width) / JPEG_MARGIN
    ratio = sum(shrinks >= ratio for ratio in JPEG_RATIOS[1:])
    # All coefficients of a progressive JPEG are held at once, those of others row by row.
    held = rows * columns // (JPEG_RATIOS[ratio] ** 2 if header.sequential else 1)
    reason = None
    if held > MAX_PIXELS:
        reason = bomb_reason(header.width, header.height, MAX_PIXELS)
    elif rows * columns > MAX_JPEG_PIXELS:
        reason = bomb_reason(header.width, header.height, MAX_JPEG_PIXELS)
    elif header.has_hole(contents):
        reason = "damaged JPEG: a hole of zeros in its data"
    to_srgb, profile_change = conversion_to_srgb(header.profile, header.components)
    changes = {TURNED: header.orientation > 1, CONVERTED: header.components == 4}
    if profile_change:
        changes[profile_change] = True
    return Inspected(
        ratio,
        header.orientation,
        change_bits(changes),
        to_srgb,
        is_large=held > LARGE,
        reason=reason,
        state=state,
    )


def unreadable_reason(contents: bytes) -> str | None:
    """Why bytes cannot be a picture; None if only the decoder can find out."""
    if not contents:
        return "empty file"
    if contents.lstrip()[:1] == b"<":
        return "text (HTML or XML), not a picture"
    if contents.startswith(LFS_POINTER):
        return "a pointer of Git LFS instead of the picture: run `git lfs pull`"
    unread = UNREAD_FORMATS.get(contents[4:12]) or UNREAD_FORMATS.get(contents[:2])
    if unread:
        return f"{unread}, which is not read: convert it to JPEG or PNG"
    if contents.startswith(JPEG_START) and JPEG_END not in contents[-16:]:
        return f"truncated JPEG: ends after {len(contents):,} bytes"
    return None
