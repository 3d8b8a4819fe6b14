"""Pictures of any kind -> uint8 [H, W, C] of one size, by tf.data, or why one is unreadable.

A JPEG is decoded by TensorFlow, at a half, a quarter or an eighth of its size if that leaves enough
pixels. This drops frequencies before the inverse transform, and takes a third of the time of a full
decode. All other formats are decoded by Pillow. Both apply the camera's rotation (EXIF), and refuse
what is damaged.
"""

import functools
import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import tensorflow as tf
from PIL import ImageColor

from pipelines.data.preparation.jpeg_inspection import (
    TURNS,
    LibjpegWarnings,
    describe_damage,
    read_header,
)
from pipelines.data.preparation.pillow_decoding import (
    MAX_PIXELS,
    UnreadableError,
    bomb_reason,
    decode_with_pillow,
)
from pipelines.data.sources.example import Example
from t2i_tf.errors import UsageError, did_you_mean

# Increase it when the same file no longer gives the same pixels. 1: no rotation, no background for
# what is transparent, damage accepted.
DECODER = 2

JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
HEIC_BRANDS = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1")
JPEG_RATIOS = (1, 2, 4, 8)
PILLOW = len(JPEG_RATIOS)  # the decoder of everything else

# A reduced decode has at least this many pixels for each pixel of the target, in each dimension.
# PSNR against a full decode of photographs, 640x480 to 32x32: 44 dB (with 2 instead of 1.5: 47 dB,
# and 20 % slower).
JPEG_MARGIN = 1.5

BATCH = 64  # pictures handed to Python at a time
CHUNK_BYTES = 64 << 20  # decoded pictures that are held until their damage is known
READERS = 8  # files inspected at a time
MAX_SIDE = 4096  # pixels

Picture = Path | bytes | np.ndarray

FILTERS = ("lanczos3", "lanczos5", "bicubic", "bilinear", "gaussian", "mitchellcubic", "nearest")


@dataclass(frozen=True)
class ResizeOptions:
    """How an image of any size becomes height x width x channels.

    Args:
        height, width: Size of the result, pixels.
        channels: 1 for grey, 3 for colour.
        filter: Interpolation of `tf.image.resize`, one of `FILTERS`.
        crop: "squash" changes the aspect ratio, "centre" cuts off the edges, "pad" adds black bars.
        background: Colour behind transparent pixels, by name or as #rrggbb.

    Raises:
        UsageError: the size is impossible, or there is no such number of channels, filter, crop
            rule or colour.
    """

    height: int = 32
    width: int = 32
    channels: int = 3
    filter: str = "lanczos3"
    crop: str = "squash"
    background: str = "white"

    def __post_init__(self):
        for side in ("height", "width"):
            if not 1 <= getattr(self, side) <= MAX_SIDE:
                raise UsageError(
                    f"--{side}: expected 1 to {MAX_SIDE} pixels, got {getattr(self, side)}."
                )
        if self.channels not in (1, 3):
            raise UsageError(f"--channels: expected 1 or 3, got {self.channels}.")
        for option, choices in (("filter", FILTERS), ("crop", CROPS)):
            given = getattr(self, option)
            if given not in choices:
                raise UsageError(f"Unknown --{option} {given!r}. {did_you_mean(given, choices)}")
        if parse_colour(self.background) is None:
            raise UsageError(
                f"--background: expected a colour such as white, black or #808080, got"
                f" {self.background!r}."
            )

    @property
    def bytes(self) -> int:
        """Size of one image as uint8."""
        return self.height * self.width * self.channels


def parse_colour(text: str) -> tuple[int, int, int] | None:
    """Red, green and blue of a colour's name or #rrggbb; None if there is no such colour."""
    try:
        return ImageColor.getrgb(text)[:3]
    except ValueError:
        return None


class FileState(msgspec.Struct, frozen=True, array_like=True):
    """A file when it was read: size in bytes, time of its last change, CRC-32 of its contents."""

    size: int
    changed_ns: int
    crc32: int


class Inspected(msgspec.Struct, frozen=True):
    """What is known of a picture before it is decoded.

    Args:
        decoder: Index in `JPEG_RATIOS`, or `PILLOW`.
        orientation: EXIF orientation of a JPEG, 1 to 8; Pillow finds it by itself.
        reason: Why it is not decoded, or None.
        state: The file's state, or None if it is no file or cannot be read.
    """

    decoder: int = PILLOW
    orientation: int = 1
    reason: str | None = None
    state: FileState | None = None


class PictureReader:
    """Reads the pictures of examples, in parallel and in order.

    Args:
        resize: Size of the result, and how to get there.
        workers: Pictures decoded at a time; tf.data decides if None.
    """

    def __init__(self, resize: ResizeOptions, workers: int | None = None):
        self.resize = resize
        self._workers = workers or tf.data.AUTOTUNE
        self._chunk = max(BATCH, min(512, CHUNK_BYTES // resize.bytes))
        scalars = [tf.TensorSpec([], kind) for kind in (tf.string, tf.int32, tf.int32)]
        self._load = tf.function(
            lambda contents, decoder, orientation: load(contents, decoder, orientation, resize),
            input_signature=scalars,
        )
        self._from_array = tf.function(
            lambda pixels: resize_image(pixels, resize),
            input_signature=[tf.TensorSpec([None, None, None], tf.uint8)],
        )

    def inspect(self, examples: Sequence[Example]) -> list[Inspected]:
        """How to decode the pictures of examples, and the states of their files."""
        with ThreadPoolExecutor(READERS) as readers:
            inspect = functools.partial(inspect_picture, resize=self.resize)
            return list(readers.map(inspect, (example.picture for example in examples)))

    def read(
        self, examples: Sequence[Example], inspected: Sequence[Inspected] | None = None
    ) -> Iterator[np.ndarray | str]:
        """For each example its picture, uint8 [H, W, C], or the reason why it cannot be read.

        Args:
            examples: The examples.
            inspected: What `inspect` returns for them, if it has been called.
        """
        for first in range(0, len(examples), self._chunk):
            chunk = slice(first, first + self._chunk)
            known = inspected[chunk] if inspected else self.inspect(examples[chunk])
            pictures = [example.picture for example in examples[chunk]]
            yield from self._read_chunk(list(zip(pictures, known, strict=True)))

    def _read_chunk(self, chunk: Sequence[tuple[Picture, Inspected]]) -> list[np.ndarray | str]:
        files = {k: one for k, one in enumerate(chunk) if not isinstance(one[0], np.ndarray)}
        with LibjpegWarnings() if files else nullcontext() as warnings:
            found = self._decode_together(files)
            if files and warnings.take():
                found = {k: one for k, one in found.items() if files[k][1].decoder == PILLOW}
            return [
                found[index] if index in found else self._read_alone(picture, known, warnings)
                for index, (picture, known) in enumerate(chunk)
            ]

    def _decode_together(
        self, pictures: Mapping[int, tuple[Picture, Inspected]]
    ) -> dict[int, np.ndarray | str]:
        """The pictures, or reasons, by index; without those whose decoding fails."""
        found = {k: known.reason for k, (_, known) in pictures.items() if known.reason}
        for kind in (Path, bytes):
            chosen = {
                k: one for k, one in pictures.items() if k not in found and isinstance(one[0], kind)
            }
            found |= self._decode_all(chosen, kind is Path) if chosen else {}
        return found

    def _decode_all(
        self, pictures: Mapping[int, tuple[Picture, Inspected]], are_files: bool
    ) -> dict[int, np.ndarray | str]:
        values = [os.fspath(one) if are_files else one for one, _ in pictures.values()]
        decoders = [known.decoder for _, known in pictures.values()]
        orientations = [known.orientation for _, known in pictures.values()]

        def decode(index, value, decoder, orientation):
            contents = tf.io.read_file(value) if are_files else value
            return index, *self._load(contents, decoder, orientation)

        dataset = tf.data.Dataset.from_tensor_slices(
            (list(pictures), values, decoders, orientations)
        ).map(decode, num_parallel_calls=self._workers)
        found = {}
        for batch in dataset.ignore_errors().batch(BATCH).prefetch(2):
            indices, images, reasons = (tensor.numpy() for tensor in batch)
            for index, image, reason in zip(indices, images, reasons, strict=True):
                found[int(index)] = reason.decode() or image
        return found

    def _read_array(self, pixels: np.ndarray) -> np.ndarray | str:
        if pixels.shape == (self.resize.height, self.resize.width, self.resize.channels):
            return pixels
        if pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
            return f"an array of shape {pixels.shape}, expected (height, width, 1 or 3)"
        return self._from_array(pixels).numpy()

    def _read_alone(
        self, picture: Picture, known: Inspected, warnings: LibjpegWarnings | None
    ) -> np.ndarray | str:
        """Reads one picture by itself, so that errors and libjpeg's reports are its own."""
        if isinstance(picture, np.ndarray):
            return self._read_array(picture)
        if known.reason:
            return known.reason
        warnings.take()
        try:
            contents = picture.read_bytes() if isinstance(picture, Path) else picture
            image, reason = self._load(contents, known.decoder, known.orientation)
        except OSError as error:
            return read_failure(error)
        except tf.errors.OpError as error:
            return unreadable_reason(contents) or first_line(error)
        report = warnings.take()
        return describe_damage(report) if report else reason.numpy().decode() or image.numpy()


def inspect_picture(picture: Picture, resize: ResizeOptions) -> Inspected:
    """How to decode a picture, or why it cannot be."""
    if isinstance(picture, np.ndarray):
        return Inspected()
    state = None
    try:
        if isinstance(picture, Path):
            contents, described = picture.read_bytes(), picture.stat()
            state = FileState(len(contents), described.st_mtime_ns, zlib.crc32(contents))
        else:
            contents = picture
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        return Inspected(reason=read_failure(error))
    if contents.startswith(JPEG_START):
        decoder, orientation, reason = plan_jpeg(contents, resize)
        return Inspected(decoder, orientation, reason, state)
    return Inspected(reason=unreadable_reason(contents), state=state)


def read_failure(error: OSError | ValueError) -> str:
    """Why the bytes of a file cannot be read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "missing"
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def plan_jpeg(contents: bytes, resize: ResizeOptions) -> tuple[int, int, str | None]:
    """How to decode a JPEG: index in `JPEG_RATIOS`, EXIF orientation, and why to refuse it."""
    header = read_header(contents)
    orientation, height, width = header.orientation, header.height, header.width
    if orientation >= 5:
        height, width = width, height
    shrinks = min(height / resize.height, width / resize.width) / JPEG_MARGIN
    ratio = sum(shrinks >= ratio for ratio in JPEG_RATIOS[1:])
    # All coefficients of a progressive JPEG are held at once, those of others row by row.
    held = height * width // (JPEG_RATIOS[ratio] ** 2 if header.sequential else 1)
    reason = None
    if held > MAX_PIXELS:
        reason = bomb_reason(header.width, header.height)
    elif header.has_hole(contents):
        reason = "damaged JPEG: a hole of zeros in its data"
    return ratio, orientation, reason


def first_line(error: tf.errors.OpError) -> str:
    """The message of a TensorFlow error, without the names of its nodes."""
    lines = re.sub(r"\{\{.*?\}\} ?", "", error.message).strip().splitlines()
    return lines[0].split(" [Op:")[0] if lines else type(error).__name__


def load(
    contents: tf.Tensor, decoder: tf.Tensor, orientation: tf.Tensor, resize: ResizeOptions
) -> tuple[tf.Tensor, tf.Tensor]:
    """A file's bytes as uint8 [H, W, C], and why it is refused; the reason is empty if it is not.

    A damaged JPEG raises an error, or is decoded as far as it goes and reported on stderr.
    """

    def jpeg(ratio):
        def decode():
            pixels = tf.io.decode_jpeg(contents, channels=3, ratio=ratio)
            upright = tf.cond(
                orientation == 1, lambda: pixels, lambda: turn_upright(pixels, orientation)
            )
            return upright, tf.constant("")

        return decode

    def other():
        decode = functools.partial(decode_other, resize=resize)
        pixels, reason = tf.numpy_function(decode, [contents], [tf.uint8, tf.string])
        return pixels, reason

    pixels, reason = tf.switch_case(decoder, [*map(jpeg, JPEG_RATIOS), other])
    return resize_image(tf.ensure_shape(pixels, [None, None, None]), resize), tf.reshape(reason, [])


def decode_other(contents: bytes, resize: ResizeOptions) -> tuple[np.ndarray, bytes]:
    """A file that is no JPEG as uint8 [h, w, 1 or 3], and why it is refused."""
    try:
        background = parse_colour(resize.background)
        return decode_with_pillow(contents, background, resize.height, resize.width), b""
    except UnreadableError as error:
        return np.zeros((1, 1, 3), np.uint8), str(error).encode()


def turn_upright(pixels: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """An image [h, w, C] as its EXIF orientation, 1 to 8, says."""

    def turned(swap, *flipped):
        def turn():
            axes = [axis for axis, flip in enumerate(flipped) if flip]
            image = tf.transpose(pixels, [1, 0, 2]) if swap else pixels
            return tf.reverse(image, axes) if axes else image

        return turn

    turns = [turned(*TURNS[number]) for number in range(1, 9)]
    return tf.switch_case(tf.cast(orientation, tf.int32) - 1, turns)


def match_channels(pixels: tf.Tensor, channels: int) -> tf.Tensor:
    """An image [h, w, 1 or 3] as [h, w, channels]."""
    found = tf.shape(pixels)[-1]
    if channels == 1:
        return tf.cond(found == 3, lambda: tf.image.rgb_to_grayscale(pixels), lambda: pixels)
    return tf.cond(found == 1, lambda: tf.tile(pixels, [1, 1, 3]), lambda: pixels)


def resize_image(pixels: tf.Tensor, resize: ResizeOptions) -> tf.Tensor:
    """uint8 [h, w, 1 or 3] -> uint8 [H, W, C], with antialiasing."""
    pixels = tf.ensure_shape(match_channels(pixels, resize.channels), [None, None, resize.channels])
    resized = tf.round(CROPS[resize.crop](pixels, resize))
    return tf.cast(tf.clip_by_value(resized, 0, 255), tf.uint8)  # Lanczos overshoots at edges


def squash(pixels: tf.Tensor, resize: ResizeOptions) -> tf.Tensor:
    """The whole image, each side scaled on its own."""
    return tf.image.resize(pixels, [resize.height, resize.width], resize.filter, antialias=True)


def centre(pixels: tf.Tensor, resize: ResizeOptions) -> tf.Tensor:
    """The largest box of the target's aspect ratio in the middle of the image."""
    size = tf.shape(pixels)[:2]
    target = tf.constant([resize.height, resize.width])
    scale = tf.reduce_min(size / target)
    box = tf.cast(tf.round(scale * tf.cast(target, tf.float64)), tf.int32)
    top, left = tf.unstack((size - box) // 2)
    return squash(pixels[top : top + box[0], left : left + box[1]], resize)


def pad(pixels: tf.Tensor, resize: ResizeOptions) -> tf.Tensor:
    """The whole image in its own aspect ratio, between black bars."""
    return tf.image.resize_with_pad(
        pixels, resize.height, resize.width, resize.filter, antialias=True
    )


CROPS = {"squash": squash, "centre": centre, "pad": pad}


def unreadable_reason(contents: bytes) -> str | None:
    """Why a file cannot be a picture; None if only the decoder can find out."""
    if not contents:
        return "empty file"
    if contents.lstrip()[:1] == b"<":
        return "text (HTML or XML), not a picture"
    if contents[4:12] in HEIC_BRANDS:
        return "HEIC, which is not read: convert it to JPEG or PNG"
    if contents.startswith(JPEG_START) and JPEG_END not in contents[-16:]:
        return f"truncated JPEG: ends after {len(contents):,} bytes"
    return None
