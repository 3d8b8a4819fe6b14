"""Picture files and arrays -> uint8 [H, W, C] of one size, by tf.data; and why one cannot be read.

A JPEG is decoded at a half, a quarter or an eighth where that leaves enough pixels: its frequencies
are dropped instead of its pixels, which takes a third of the time. Camera rotation (EXIF) is not
applied.
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
DRAFT_RATIOS = (1, 2, 4, 8)

# A draft has at least this many pixels for one of the target's, each way. Against a full decode of
# photographs 640x480 to 32x32: 44 dB (at 2 instead of 1.5: 47 dB, and a fifth slower).
DRAFT_MARGIN = 1.5

BATCH = 64  # pictures handed to Python at a time

FILTERS = ("lanczos3", "lanczos5", "bicubic", "bilinear", "gaussian", "mitchellcubic", "nearest")


@dataclass(frozen=True)
class Fit:
    """How a picture of any size becomes height x width x channels.

    crop: "squash" changes the aspect, "centre" cuts off what is too much, "pad" adds black bars.

    Raises:
        UsageError: for a size, filter or crop rule that does not exist.
    """

    height: int = 32
    width: int = 32
    channels: int = 3
    filter: str = "lanczos3"
    crop: str = "squash"

    def __post_init__(self):
        if min(self.height, self.width) < 1:
            raise UsageError(f"A picture needs pixels, got {self.height}x{self.width}.")
        if self.channels not in (1, 3):
            raise UsageError(f"channels: expected 1 or 3, got {self.channels}.")
        for option, choices in (("filter", FILTERS), ("crop", CROPS)):
            given = getattr(self, option)
            if given not in choices:
                raise UsageError(f"Unknown {option} {given!r}. {did_you_mean(given, choices)}")

    @property
    def bytes(self) -> int:
        """Of one picture, uint8."""
        return self.height * self.width * self.channels


class PictureReader:
    """Reads the pictures of examples, in parallel and in order.

    Args:
        fit: the size and the way to it.
        workers: pictures decoded at a time; as many as pay where None.
    """

    def __init__(self, fit: Fit, workers: int | None = None):
        self.fit = fit
        self._workers = workers or tf.data.AUTOTUNE
        self._from_file = tf.function(
            lambda path: fit_picture(decode(tf.io.read_file(path), fit), fit),
            input_signature=[tf.TensorSpec([], tf.string)],
        )
        self._from_array = tf.function(
            lambda pixels: fit_picture(pixels, fit),
            input_signature=[tf.TensorSpec([None, None, None], tf.uint8)],
        )

    def read(self, examples: Sequence[Example]) -> Iterator[np.ndarray | str]:
        """For each example its picture, uint8 [H, W, C], or the reason why there is none.

        Examples are all of files or all of arrays.
        """
        if examples and isinstance(examples[0].picture, Path):
            return self._read_files([example.picture for example in examples])
        return (self._read_array(example.picture) for example in examples)

    def _read_array(self, pixels: np.ndarray) -> np.ndarray | str:
        if pixels.shape == (self.fit.height, self.fit.width, self.fit.channels):
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
        """One file once more: it may be readable now, and if not, its error tells why."""
        try:
            return self._from_file(str(path)).numpy()
        except tf.errors.OpError as error:
            return explain(path) or re.sub(r"^\{\{.*?\}\} ", "", error.message).splitlines()[0]


def decode(contents: tf.Tensor, fit: Fit) -> tf.Tensor:
    """A file's bytes as uint8 [h, w, 3]; a JPEG as a draft that is large enough for the fit."""

    def ratio_index():
        shape = tf.io.extract_jpeg_shape(contents)
        shrinks = tf.minimum(shape[0] / fit.height, shape[1] / fit.width) / DRAFT_MARGIN
        return tf.reduce_sum(tf.cast(shrinks >= DRAFT_RATIOS[1:], tf.int32))

    def jpeg(ratio):
        return lambda: tf.io.decode_jpeg(contents, channels=3, ratio=ratio)

    def other():
        return tf.io.decode_image(contents, channels=3, expand_animations=False)

    is_jpeg = tf.strings.substr(contents, 0, len(JPEG_START)) == JPEG_START
    branch = tf.cond(is_jpeg, ratio_index, lambda: len(DRAFT_RATIOS))
    return tf.switch_case(branch, [*map(jpeg, DRAFT_RATIOS), other])


def match_channels(pixels: tf.Tensor, channels: int) -> tf.Tensor:
    """Grey or colour [h, w, 1 or 3] as [h, w, channels]."""
    found = tf.shape(pixels)[-1]
    if channels == 1:
        return tf.cond(found == 3, lambda: tf.image.rgb_to_grayscale(pixels), lambda: pixels)
    return tf.cond(found == 1, lambda: tf.tile(pixels, [1, 1, 3]), lambda: pixels)


def fit_picture(pixels: tf.Tensor, fit: Fit) -> tf.Tensor:
    """uint8 [h, w, 1 or 3] -> uint8 [H, W, C], filtered so that nothing aliases."""
    pixels = tf.ensure_shape(match_channels(pixels, fit.channels), [None, None, fit.channels])
    resized = tf.round(CROPS[fit.crop](pixels, fit))
    return tf.cast(tf.clip_by_value(resized, 0, 255), tf.uint8)  # lanczos overshoots at edges


def squash(pixels: tf.Tensor, fit: Fit) -> tf.Tensor:
    """The whole picture, each side scaled on its own."""
    return tf.image.resize(pixels, [fit.height, fit.width], fit.filter, antialias=True)


def centre(pixels: tf.Tensor, fit: Fit) -> tf.Tensor:
    """The largest box of the target's aspect about the picture's middle."""
    size = tf.shape(pixels)[:2]
    target = tf.constant([fit.height, fit.width])
    scale = tf.reduce_min(size / target)
    box = tf.cast(tf.round(scale * tf.cast(target, tf.float64)), tf.int32)
    top, left = tf.unstack((size - box) // 2)
    return squash(pixels[top : top + box[0], left : left + box[1]], fit)


def pad(pixels: tf.Tensor, fit: Fit) -> tf.Tensor:
    """The whole picture in its own aspect, between black bars."""
    return tf.image.resize_with_pad(pixels, fit.height, fit.width, fit.filter, antialias=True)


CROPS = {"squash": squash, "centre": centre, "pad": pad}


def explain(path: Path) -> str | None:
    """Why a file is no picture, in words; None where only the decoder can tell."""
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
