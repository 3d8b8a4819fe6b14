"""Pictures of any size -> height x width x channels, upright."""

from dataclasses import dataclass

import tensorflow as tf
from PIL import ImageColor

from pipelines.data.pictures.jpeg_inspection import TURNS
from t2i_tf.errors import UsageError, did_you_mean
from t2i_tf.number_ranges import check_flags

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
        check_flags(height=self.height, width=self.width)
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
        colour = ImageColor.getrgb(text)[:3]
    except ValueError:
        return None
    return colour if max(colour) <= 255 else None  # rgb(300,0,0)


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
    box = tf.maximum(box, 1)
    top, left = tf.unstack((size - box) // 2)
    return squash(pixels[top : top + box[0], left : left + box[1]], resize)


def pad(pixels: tf.Tensor, resize: ResizeOptions) -> tf.Tensor:
    """The whole image in its own aspect ratio, between black bars."""
    size = tf.cast(tf.shape(pixels)[:2], tf.float32)
    target = tf.constant([resize.height, resize.width], tf.float32)
    inside = size / tf.reduce_max(size / target)
    box = tf.maximum(tf.cast(tf.floor(inside), tf.int32), 1)  # however thin the picture is
    top, left = tf.unstack(tf.maximum(tf.cast(tf.floor((target - inside) / 2), tf.int32), 0))
    resized = tf.image.resize(pixels, box, resize.filter, antialias=True)
    return tf.image.pad_to_bounding_box(resized, top, left, resize.height, resize.width)


CROPS = {"squash": squash, "centre": centre, "pad": pad}
