"""Picture files and arrays -> uint8 [H, W, C] of one size, by tf.data, or why one is unreadable.

A JPEG is decoded at a half, a quarter or an eighth of its size if that leaves enough pixels. This
drops frequencies before the inverse transform, and takes a third of the time of a full decode.
Camera rotation (EXIF) is not applied.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from pipelines.data.sources.example import Example
from t2i_tf.errors import UsageError, did_you_mean

JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
KNOWN_STARTS = (
    JPEG_START,
    b"\x89PNG",
    b"GIF8",
    b"BM",
    b"RIFF",
    b"\xff\x0a",
    b"\x00\x00\x00\x0cJXL",
)
JPEG_RATIOS = (1, 2, 4, 8)

# A reduced decode has at least this many pixels for each pixel of the target, in each dimension.
# PSNR against a full decode of photographs, 640x480 to 32x32: 44 dB (with 2 instead of 1.5: 47 dB,
# and 20 % slower).
JPEG_MARGIN = 1.5

BATCH = 64  # pictures handed to Python at a time

FILTERS = ("lanczos3", "lanczos5", "bicubic", "bilinear", "gaussian", "mitchellcubic", "nearest")


@dataclass(frozen=True)
class ResizeOptions:
    """How an image of any size becomes height x width x channels.

    Args:
        height, width: Size of the result, pixels.
        channels: 1 for grey, 3 for colour.
        filter: Interpolation of `tf.image.resize`, one of `FILTERS`.
        crop: "squash" changes the aspect ratio, "centre" cuts off the edges, "pad" adds black bars.

    Raises:
        UsageError: the size is not positive, or there is no such number of channels, filter or
            crop rule.
    """

    height: int = 32
    width: int = 32
    channels: int = 3
    filter: str = "lanczos3"
    crop: str = "squash"

    def __post_init__(self):
        if min(self.height, self.width) < 1:
            raise UsageError(
                f"Expected a picture of at least 1x1 pixels, got {self.height}x{self.width}."
            )
        if self.channels not in (1, 3):
            raise UsageError(f"channels: expected 1 or 3, got {self.channels}.")
        for option, choices in (("filter", FILTERS), ("crop", CROPS)):
            given = getattr(self, option)
            if given not in choices:
                raise UsageError(f"Unknown {option} {given!r}. {did_you_mean(given, choices)}")

    @property
    def bytes(self) -> int:
        """Size of one image as uint8."""
        return self.height * self.width * self.channels


class PictureReader:
    """Reads the pictures of examples, in parallel and in order.

    Args:
        resize: Size of the result, and how to get there.
        workers: Pictures decoded at a time; tf.data decides if None.
    """

    def __init__(self, resize: ResizeOptions, workers: int | None = None):
        self.resize = resize
        self._workers = workers or tf.data.AUTOTUNE
        self._from_file = tf.function(
            lambda path: resize_image(decode(tf.io.read_file(path), resize), resize),
            input_signature=[tf.TensorSpec([], tf.string)],
        )
        self._from_contents = tf.function(
            lambda contents: resize_image(decode(contents, resize), resize),
            input_signature=[tf.TensorSpec([], tf.string)],
        )
        self._from_array = tf.function(
            lambda pixels: resize_image(pixels, resize),
            input_signature=[tf.TensorSpec([None, None, None], tf.uint8)],
        )

    def read(self, examples: Sequence[Example]) -> Iterator[np.ndarray | str]:
        """For each example its picture, uint8 [H, W, C], or the reason why it cannot be read.

        The examples have files, contents of files or arrays, all of them the same.
        """
        if examples and isinstance(examples[0].picture, bytes):
            return (self._read_contents(example.picture) for example in examples)
        if examples and isinstance(examples[0].picture, Path):
            return self._read_files([example.picture for example in examples])
        return (self._read_array(example.picture) for example in examples)

    def _read_contents(self, contents: bytes) -> np.ndarray | str:
        if not contents:
            return "empty file"
        try:
            return self._from_contents(contents).numpy()
        except tf.errors.OpError as error:
            return re.sub(r"^\{\{.*?\}\} ", "", error.message).splitlines()[0]

    def _read_array(self, pixels: np.ndarray) -> np.ndarray | str:
        if pixels.shape == (self.resize.height, self.resize.width, self.resize.channels):
            return pixels
        if pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
            return f"an array of shape {pixels.shape}, expected (height, width, 1 or 3)"
        return self._from_array(pixels).numpy()

    def _read_files(self, paths: Sequence[Path]) -> Iterator[np.ndarray | str]:
        arrivals = self._arrivals(paths)
        arrived = next(arrivals, None)
        for index, path in enumerate(paths):
            if arrived and arrived[0] == index:
                yield arrived[1]
                arrived = next(arrivals, None)
            else:
                yield self._read_alone(path)

    def _arrivals(self, paths: Sequence[Path]) -> Iterator[tuple[int, np.ndarray]]:
        """(index, picture) of the files that can be read, in order."""
        dataset = tf.data.Dataset.from_tensor_slices([str(path) for path in paths]).enumerate()
        dataset = dataset.map(
            lambda index, path: (index, self._from_file(path)), num_parallel_calls=self._workers
        )
        for indices, pictures in dataset.ignore_errors().batch(BATCH).prefetch(2):
            yield from zip(indices.numpy(), pictures.numpy(), strict=True)

    def _read_alone(self, path: Path) -> np.ndarray | str:
        """Reads one file again: it may be readable now; if not, its own error has the reason."""
        try:
            return self._from_file(str(path)).numpy()
        except tf.errors.OpError as error:
            return (
                unreadable_reason(path)
                or re.sub(r"^\{\{.*?\}\} ", "", error.message).splitlines()[0]
            )


def decode(contents: tf.Tensor, resize: ResizeOptions) -> tf.Tensor:
    """A file's bytes as uint8 [h, w, 3]; a JPEG no larger than resizing needs."""

    def ratio_index():
        shape = tf.io.extract_jpeg_shape(contents)
        shrinks = tf.minimum(shape[0] / resize.height, shape[1] / resize.width) / JPEG_MARGIN
        return tf.reduce_sum(tf.cast(shrinks >= JPEG_RATIOS[1:], tf.int32))

    def jpeg(ratio):
        return lambda: tf.io.decode_jpeg(contents, channels=3, ratio=ratio)

    def other():
        return tf.io.decode_image(contents, channels=3, expand_animations=False)

    is_jpeg = tf.strings.substr(contents, 0, len(JPEG_START)) == JPEG_START
    branch = tf.cond(is_jpeg, ratio_index, lambda: len(JPEG_RATIOS))
    return tf.switch_case(branch, [*map(jpeg, JPEG_RATIOS), other])


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


def unreadable_reason(path: Path) -> str | None:
    """Why a file cannot be read as a picture; None if only the decoder can find out."""
    try:
        contents = path.read_bytes()
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not contents:
        return "empty file"
    if contents.lstrip()[:1] == b"<":
        return "text (HTML or XML), not a picture"
    if not contents.startswith(KNOWN_STARTS):
        return "not a picture: neither JPEG, PNG, GIF, BMP nor WebP"
    if contents.startswith(JPEG_START) and JPEG_END not in contents[-16:]:
        return f"truncated JPEG: ends after {len(contents):,} bytes"
    return None
