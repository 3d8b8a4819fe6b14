"""Pictures of any kind -> uint8 [H, W, C] of one size, by tf.data, or why one is unreadable.

A JPEG is decoded by TensorFlow, at a half, a quarter or an eighth of its size if that leaves enough
pixels. This drops frequencies before the inverse transform, and takes a third of the time of a full
decode. All other formats are decoded by Pillow. Both apply the camera's rotation (EXIF) and colour
profile (ICC), and refuse what is damaged.
"""

import functools
import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from pipelines.data.pictures.colour_profiles import convert_pixels
from pipelines.data.pictures.library_messages import LibraryMessages, describe_damage
from pipelines.data.pictures.picture_changes import changes_of
from pipelines.data.pictures.picture_inspection import (
    JPEG_RATIOS,
    PILLOW,
    FileState,
    Inspected,
    inspect_picture,
    read_failure,
    unreadable_reason,
)
from pipelines.data.pictures.pillow_decoding import UnreadableError, decode_with_pillow
from pipelines.data.pictures.resizing import (
    ResizeOptions,
    parse_colour,
    resize_image,
    turn_upright,
)
from pipelines.data.sources.example import Example

# Increase it when the same file no longer gives the same pixels, and say what was ignored before.
DECODER = 3
IGNORED = {1: "camera rotation, transparency, damage and colour profiles", 2: "colour profiles"}

BATCH = 64  # pictures handed to Python at a time
CHUNK = 512  # pictures that are held until their damage is known
CHUNK_BYTES = 64 << 20  # fewer, if they are large
READERS = 8  # files inspected at a time

INVALID = tf.errors.InvalidArgumentError  # of the contents


@dataclass(frozen=True)
class ReadPicture:
    """What became of an example's picture.

    Args:
        example: The example.
        pixels: uint8 [H, W, C]; None if the picture cannot be read.
        reason: Why it cannot be read, or None.
        changes: What was changed besides its size, see `picture_changes`.
        state: The state of its bytes; None for an array, and for a file that cannot be read.
    """

    example: Example
    pixels: np.ndarray | None
    reason: str | None = None
    changes: tuple[str, ...] = ()
    state: FileState | None = None


Decoded = tuple[np.ndarray | None, str | None, int]  # pixels, or why there are none; changes

Chunk = Mapping[int, tuple[Path | bytes | np.ndarray, Inspected]]  # by index


class PictureReader:
    """Reads the pictures of examples, in parallel and in order.

    Args:
        resize: Size of the result, and how to get there.
        workers: Pictures decoded at a time; tf.data decides if None.
    """

    def __init__(self, resize: ResizeOptions, workers: int | None = None):
        self.resize = resize
        self._workers = workers or tf.data.AUTOTUNE
        self._chunk = max(1, min(CHUNK, CHUNK_BYTES // resize.bytes))
        self._messages: list[str] = []
        self._jpeg = tf.function(
            lambda contents, ratio, orientation: load_jpeg(contents, ratio, orientation, resize),
            input_signature=[tf.TensorSpec([], kind) for kind in (tf.string, tf.int32, tf.int32)],
            autograph=False,
        )
        self._other = tf.function(
            lambda contents, ratio, orientation: load_other(contents, resize),
            input_signature=[tf.TensorSpec([], kind) for kind in (tf.string, tf.int32, tf.int32)],
            autograph=False,
        )
        self._from_array = tf.function(
            lambda pixels: resize_image(pixels, resize),
            input_signature=[tf.TensorSpec([None, None, None], tf.uint8)],
            autograph=False,
        )

    def read(self, examples: Sequence[Example]) -> Iterator[ReadPicture]:
        """The picture of each example, or the reason why it cannot be read."""
        for first in range(0, len(examples), self._chunk):
            chunk = list(examples[first : first + self._chunk])
            pictures = [example.picture for example in chunk]
            inspected = self._inspect(pictures)
            decoded = self._decode(dict(enumerate(zip(pictures, inspected, strict=True))))
            for example, known, (pixels, reason, changes) in zip(
                chunk, inspected, decoded, strict=True
            ):
                yield ReadPicture(example, pixels, reason, changes_of(changes), known.state)

    def take_messages(self) -> list[str]:
        """What libraries wrote to stderr since the last call, of pictures that are not known."""
        taken, self._messages = self._messages, []
        return taken

    def _inspect(self, pictures: Sequence[Path | bytes | np.ndarray]) -> list[Inspected]:
        inspect = functools.partial(
            inspect_picture, height=self.resize.height, width=self.resize.width
        )
        if not any(isinstance(picture, Path) for picture in pictures):
            return list(map(inspect, pictures))
        share = -(-len(pictures) // READERS)
        shares = [pictures[first : first + share] for first in range(0, len(pictures), share)]
        with ThreadPoolExecutor(READERS) as readers:
            found = readers.map(lambda share: list(map(inspect, share)), shares)
            return list(itertools.chain.from_iterable(found))

    def _decode(self, chunk: Chunk) -> list[Decoded]:
        together = {
            index: (picture, known)
            for index, (picture, known) in chunk.items()
            if not (isinstance(picture, np.ndarray) or known.is_large or known.reason)
        }
        has_files = any(not isinstance(picture, np.ndarray) for picture, _ in chunk.values())
        with LibraryMessages() if has_files else nullcontext() as messages:
            found = self._decode_together(together)
            if messages and messages.take_damage():  # of which picture is unknown
                found = {k: one for k, one in found.items() if chunk[k][1].decoder == PILLOW}
            decoded = [
                found[index] if index in found else self._decode_alone(picture, known, messages)
                for index, (picture, known) in chunk.items()
            ]
        self._messages += sorted(messages.others) if messages else []
        return decoded

    def _decode_together(self, chunk: Chunk) -> dict[int, Decoded]:
        """What is decoded, by index; without those whose decoding fails."""
        found = {}
        for kind, is_other in itertools.product((Path, bytes), (False, True)):
            chosen = {
                index: (picture, known)
                for index, (picture, known) in chunk.items()
                if isinstance(picture, kind) and (known.decoder == PILLOW) == is_other
            }
            found |= self._decode_all(chosen, kind is Path) if chosen else {}
        return found

    def _decode_all(self, chunk: Chunk, are_files: bool) -> dict[int, Decoded]:
        """Decodes files or contents of files, of which either all or none are JPEGs."""
        load = self._loader(next(iter(chunk.values()))[1])
        values = [os.fsencode(one) if are_files else one for one, _ in chunk.values()]
        decoders = [known.decoder for _, known in chunk.values()]
        orientations = [known.orientation for _, known in chunk.values()]

        def decode(index, value, decoder, orientation):
            contents = tf.io.read_file(value) if are_files else value
            return index, *load(contents, decoder, orientation)

        dataset = tf.data.Dataset.from_tensor_slices(
            (list(chunk), values, decoders, orientations)
        ).map(decode, num_parallel_calls=self._workers)
        found = {}
        for batch in dataset.ignore_errors().batch(min(BATCH, self._chunk)).prefetch(2):
            for index, *decoded in zip(*(tensor.numpy() for tensor in batch), strict=True):
                found[int(index)] = outcome(*decoded, chunk[int(index)][1])
        return found

    def _decode_alone(
        self,
        picture: Path | bytes | np.ndarray,
        known: Inspected,
        messages: LibraryMessages | None,
    ) -> Decoded:
        """Reads one picture by itself, so that errors and libjpeg's reports are its own."""
        if isinstance(picture, np.ndarray):
            return self._resize_array(picture)
        if known.reason or messages is None:
            return None, known.reason, 0
        messages.take_damage()
        try:
            contents = picture.read_bytes() if isinstance(picture, Path) else picture
        except OSError as error:
            return None, read_failure(error), 0
        try:
            decoded = self._loader(known)(contents, known.decoder, known.orientation)
        except tf.errors.OpError as error:
            undecoded = known.decoder != PILLOW and isinstance(error, INVALID)  # else no memory
            other = "damaged JPEG: it cannot be decoded" if undecoded else first_line(error)
            return None, unreadable_reason(contents) or other, 0
        report = messages.take_damage()
        if report:
            return None, describe_damage(report), 0
        return outcome(*(tensor.numpy() for tensor in decoded), known)

    def _loader(self, known: Inspected) -> Callable[..., tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
        # Two graphs: with a Python function in it, that of JPEGs would be 15 % slower.
        return self._other if known.decoder == PILLOW else self._jpeg

    def _resize_array(self, pixels: np.ndarray) -> Decoded:
        if pixels.shape == (self.resize.height, self.resize.width, self.resize.channels):
            return pixels, None, 0
        if pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
            return None, f"an array of shape {pixels.shape}, expected (height, width, 1 or 3)", 0
        return self._from_array(pixels).numpy(), None, 0


def outcome(pixels: np.ndarray, reason: bytes, changes: int, known: Inspected) -> Decoded:
    """The results of `load` as `Decoded`."""
    if reason:
        return None, reason.decode(), 0
    if known.to_srgb:  # of few pixels, which takes no time
        pixels = convert_pixels(pixels, known.to_srgb)
    return pixels, None, int(changes) | known.changes


def first_line(error: tf.errors.OpError) -> str:
    """The message of a TensorFlow error, without the names of its nodes."""
    lines = re.sub(r"\{\{.*?\}\} ?", "", error.message).strip().splitlines()
    return lines[0].split(" [Op:")[0] if lines else type(error).__name__


def load_jpeg(
    contents: tf.Tensor, ratio: tf.Tensor, orientation: tf.Tensor, resize: ResizeOptions
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """A JPEG as uint8 [H, W, C], with the two further results of `load_other`, which are empty.

    Damage raises an error, or the JPEG is decoded as far as it goes and reported on stderr.

    Args:
        contents: The file.
        ratio: Index in `JPEG_RATIOS`.
        orientation: EXIF orientation, 1 to 8.
        resize: Size of the result.
    """

    def at(ratio):
        return lambda: tf.io.decode_jpeg(contents, channels=3, ratio=ratio)

    pixels = tf.switch_case(ratio, [at(ratio) for ratio in JPEG_RATIOS])
    upright = tf.cond(orientation == 1, lambda: pixels, lambda: turn_upright(pixels, orientation))
    return resize_image(upright, resize), tf.constant(""), tf.constant(0)


def load_other(
    contents: tf.Tensor, resize: ResizeOptions
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """A file that is no JPEG as uint8 [H, W, C]; why it is refused, or ""; what was changed."""
    decode = functools.partial(decode_other, resize=resize)
    pixels, reason, changes = tf.numpy_function(decode, [contents], [tf.uint8, tf.string, tf.int32])
    resized = resize_image(tf.ensure_shape(pixels, [None, None, None]), resize)
    return resized, tf.reshape(reason, []), tf.reshape(changes, [])


def decode_other(contents: bytes, resize: ResizeOptions) -> tuple[np.ndarray, bytes, np.int32]:
    """A file that is no JPEG as uint8 [h, w, 1 or 3]; why it is refused; what was changed."""
    try:
        background = parse_colour(resize.background) or (255, 255, 255)
        pixels, changes = decode_with_pillow(contents, background, resize.height, resize.width)
        return pixels, b"", np.int32(changes)
    except UnreadableError as error:
        return np.zeros((1, 1, 3), np.uint8), str(error).encode(), np.int32(0)
