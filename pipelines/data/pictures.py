"""Picture files and arrays -> uint8 [H, W, C] of one size, by tf.data; and why one cannot be read.

A JPEG is decoded at a half, a quarter or an eighth where that leaves enough pixels: its frequencies
are dropped instead of its pixels, which takes a third of the time. Camera rotation (EXIF) is not
applied.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from pipelines.data.example import Example
from t2i_tf.errors import UsageError, did_you_mean

JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
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


class PictureReader:
    """Reads the pictures of examples, in parallel and in order.

    Args:
        fit: the size and the way to it.
        workers: pictures decoded at a time; as many as pay where None.
    """

    def __init__(self, fit: Fit, workers: int | None = None):
        self._workers = workers or tf.data.AUTOTUNE
        self._from_file = tf.function(
            lambda path: fit_picture(decode(tf.io.read_file(path), fit), fit),
            input_signature=[tf.TensorSpec([], tf.string)],
        )
        self._from_array = tf.function(
            lambda pixels: fit_picture(match_channels(pixels, fit.channels), fit),
            input_signature=[tf.TensorSpec([None, None, None], tf.uint8)],
        )

    def read(self, examples: Sequence[Example]) -> Iterator[np.ndarray | str]:
        """For each example its picture, uint8 [H, W, C], or the reason why there is none."""
        arrivals = self._arrivals(examples)
        arrived = next(arrivals, None)
        for index, example in enumerate(examples):
            if arrived and arrived[0] == index:
                yield arrived[1]
                arrived = next(arrivals, None)
            else:
                yield self._read_alone(example.picture)

    def _arrivals(self, examples: Sequence[Example]) -> Iterator[tuple[int, np.ndarray]]:
        """(index, picture) of the examples that can be read, in order."""
        dataset, load = self._dataset(examples)
        dataset = dataset.enumerate().map(
            lambda index, picture: (index, load(picture)), num_parallel_calls=self._workers
        )
        for indices, pictures in dataset.ignore_errors().batch(BATCH).prefetch(2):
            yield from zip(indices.numpy(), pictures.numpy(), strict=True)

    def _dataset(self, examples: Sequence[Example]) -> tuple[tf.data.Dataset, Callable]:
        if any(isinstance(example.picture, Path) for example in examples):
            paths = [str(example.picture) for example in examples]
            return tf.data.Dataset.from_tensor_slices(paths), self._from_file
        spec = tf.TensorSpec([None, None, None], tf.uint8)
        arrays = partial(map, lambda example: example.picture, examples)
        return tf.data.Dataset.from_generator(arrays, output_signature=spec), self._from_array

    def _read_alone(self, picture: Path | np.ndarray) -> np.ndarray | str:
        """One picture once more: it may be readable now, and if not, its error tells why."""
        try:
            load = self._from_file if isinstance(picture, Path) else self._from_array
            return load(str(picture) if isinstance(picture, Path) else picture).numpy()
        except tf.errors.OpError as error:
            return explain(picture) or error.message.splitlines()[0]


def decode(contents: tf.Tensor, fit: Fit) -> tf.Tensor:
    """A file's bytes as uint8 [h, w, C]; a JPEG as a draft that is large enough for the fit."""

    def ratio_index():
        shape = tf.io.extract_jpeg_shape(contents)
        shrinks = tf.minimum(shape[0] / fit.height, shape[1] / fit.width) / DRAFT_MARGIN
        return tf.reduce_sum(tf.cast(shrinks >= DRAFT_RATIOS[1:], tf.int32))

    def jpeg(ratio):
        return lambda: tf.io.decode_jpeg(contents, channels=fit.channels, ratio=ratio)

    def other():
        return tf.io.decode_image(contents, channels=fit.channels, expand_animations=False)

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
    """uint8 [h, w, C] -> uint8 [H, W, C], filtered so that nothing aliases."""
    pixels = tf.ensure_shape(pixels, [None, None, fit.channels])
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


def explain(picture: Path | np.ndarray) -> str | None:
    """Why a file is no picture, in words; None where only the decoder can tell."""
    if isinstance(picture, np.ndarray):
        return f"an array of shape {list(picture.shape)}, expected [height, width, 1 or 3]"
    try:
        contents = picture.read_bytes()
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not contents:
        return "empty file"
    if contents.lstrip()[:1] == b"<":
        return "text (HTML or XML), not a picture"
    if contents.startswith(JPEG_START) and JPEG_END not in contents[-16:]:
        return f"truncated JPEG: ends after {len(contents):,} bytes"
    return None
