"""Judges which digits stand where in an image of MNIST with captions.

A small network, trained on the data folder's own images, classifies each of the eight places where
a digit can stand: one of ten digits, or none. All places share the weights. So the judge has never
seen a held-out digit in its place either, and still recognises it from the other places.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import keras
import msgspec
import numpy as np
import tensorflow as tf

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import SplitImages, read_images
from pipelines.data.sources.mnist_captions import (
    CANVAS,
    FAR_COLUMNS,
    FAR_ROWS,
    MIDDLE,
    NEAR_COLUMNS,
    NEAR_ROWS,
    TEMPLATES,
)
from pipelines.judges.cached_network import load_or_train, train_steps
from pipelines.judges.cached_record import DIGIT_JUDGE, About
from pipelines.judges.convolutions import build_convolutions

PlacedDigits = Mapping[str, int]  # place -> digit

PLACES = {  # ranges of rows and columns of the upper left corner, pixels
    "left": (MIDDLE, NEAR_COLUMNS),
    "right": (MIDDLE, FAR_COLUMNS),
    "top": (NEAR_ROWS, MIDDLE),
    "bottom": (FAR_ROWS, MIDDLE),
    "top left": (NEAR_ROWS, NEAR_COLUMNS),
    "top right": (NEAR_ROWS, FAR_COLUMNS),
    "bottom left": (FAR_ROWS, NEAR_COLUMNS),
    "bottom right": (FAR_ROWS, FAR_COLUMNS),
}
_NAMES = {where: place for place, where in PLACES.items()}
NOTHING = 10  # the class of an empty place, after the digits 0 to 9

FILTERS, UNITS = (16, 32, 64), 128
CELL = 4  # pixels of the image in a cell of the feature map
WINDOW = 8  # cells: 32 pixels, room for a digit of 28 anywhere in its range
CELLS = {0: 0, 16: 4, 28: 7, 30: 7}  # first pixel of a range -> first cell of its window

STEPS, BATCH, LEARNING_RATE = 1500, 64, 2e-3
TURN, STRETCH = 0.15, 0.1  # augmentation at most: radians, and share of the size


class DigitJudge(keras.Model):
    """Recovers the digits of images, and their places.

    Args:
        seed: Seed of the initial weights.

    Call arguments:
        images: uint8 or float [B, H, W, 1] in [0, 255]; resized to 60x60 if they have another size.

    Output:
        Logits float32 [B, places, 11].
    """

    def __init__(self, seed: int = 0, **kwargs):
        super().__init__(name="digit_judge", **kwargs)
        he = keras.initializers.HeNormal(keras.random.SeedGenerator(seed))
        self.convolutions = build_convolutions(1, FILTERS, he)
        self.dense = keras.layers.Dense(
            UNITS, activation="relu", kernel_initializer=he, name="dense"
        )
        self.head = keras.layers.Dense(NOTHING + 1, kernel_initializer=he, name="digit")
        self.dense.build((None, (WINDOW // 2) ** 2 * FILTERS[-1]))
        self.head.build((None, UNITS))
        self.built = True

    def call(self, images: tf.Tensor) -> tf.Tensor:  # noqa: D102
        x = tf.image.resize(tf.cast(images, tf.float32) / 255.0, (CANVAS, CANVAS), "area")
        first, second, third = self.convolutions
        x = tf.nn.max_pool2d(first(x), 2, 2, "VALID")
        x = third(tf.nn.max_pool2d(second(x), 2, 2, "VALID"))  # [B, 15, 15, F]
        corners = [(CELLS[rows[0]], CELLS[columns[0]]) for rows, columns in PLACES.values()]
        windows = tf.stack(
            [x[:, top : top + WINDOW, left : left + WINDOW] for top, left in corners], axis=1
        )
        windows = tf.reshape(windows, [-1, WINDOW, WINDOW, FILTERS[-1]])  # [B * places, ...]
        pooled = tf.nn.max_pool2d(windows, 2, 2, "VALID")
        logits = self.head(self.dense(tf.reshape(pooled, [-1, self.dense.kernel.shape[0]])))
        return tf.reshape(logits, [-1, len(PLACES), NOTHING + 1])

    def judge(self, images: np.ndarray) -> list[PlacedDigits]:
        """The digits of each image.

        Args:
            images: uint8 [B, H, W, 1].

        Raises:
            ValueError: another type or shape.
        """
        if images.ndim != 4 or images.shape[-1] != 1 or images.dtype != np.uint8:
            raise ValueError(
                f"Expected images as uint8 [B, H, W, 1], got {images.dtype} {list(images.shape)}"
            )
        chunks = (images[k : k + 256] for k in range(0, len(images), 256))
        return [
            {place: int(k) for place, k in zip(PLACES, row, strict=True) if k != NOTHING}
            for chunk in chunks
            for row in self(chunk).numpy().argmax(-1)
        ]


class _Attributes(msgspec.Struct):
    place: str
    digits: list[int]


def read_digits(attributes: bytes) -> PlacedDigits:
    """The digits of an image, from the attributes in its record.

    Raises:
        msgspec.DecodeError: these are not attributes of MNIST with captions.
    """
    decoded = msgspec.json.decode(attributes, type=_Attributes)
    template = next((t for t in TEMPLATES if t.place == decoded.place), None)
    if template is None or len(decoded.digits) != len(template.rows):
        raise msgspec.DecodeError(f"{decoded} does not describe an image of MNIST with captions")
    places = (_NAMES[where] for where in zip(template.rows, template.columns, strict=True))
    return dict(zip(places, decoded.digits, strict=True))


def digit_accuracy(
    judged: Sequence[PlacedDigits], expected: Sequence[PlacedDigits]
) -> Mapping[str, float]:
    """The fraction of right answers; NaN if nothing was asked.

    Returns:
        digit: Fraction of the expected digits that stand anywhere in their image.
        place: Fraction of the images with digits in exactly the expected places, whichever digits.
        both: Fraction of the images with exactly the expected digits in the expected places.
    """
    pairs = list(zip(judged, expected, strict=True))
    hits = [(Counter(got.values()) & Counter(want.values())).total() for got, want in pairs]
    return {
        "digit": _fraction(sum(hits), sum(len(want) for want in expected)),
        "place": _fraction(sum(got.keys() == want.keys() for got, want in pairs), len(pairs)),
        "both": _fraction(sum(got == want for got, want in pairs), len(pairs)),
    }


def open_digit_judge(folder: DataFolder) -> tuple[DigitJudge, About]:
    """The judge of a data folder, cached in `DATA-digit-judge`; trained if it is not there yet.

    Training takes a minute or two on two cores. The accuracy on `val` is cached with the weights.

    Raises:
        UserError: the data are damaged, or the cached judge was trained on other data.
    """
    judge = DigitJudge()
    return judge, load_or_train(
        judge, folder, DIGIT_JUDGE, lambda: train_digit_judge(judge, folder)
    )


def train_digit_judge(
    judge: DigitJudge, folder: DataFolder, *, steps: int | None = None, seed: int = 0
) -> dict[str, float]:
    """Train on the split `train`; returns the accuracy on the split `val`."""
    data = read_images(folder, "train")
    labels = _labels([read_digits(attributes) for attributes in data.attributes])
    train_steps(
        judge,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        lambda step: _batch(data, labels, np.random.default_rng([seed, step])),
        steps=steps or STEPS,
        learning_rate=LEARNING_RATE,
        what="the judge of digits",
    )
    validation = read_images(folder, "val")
    expected = [read_digits(attributes) for attributes in validation.attributes]
    return dict(digit_accuracy(judge.judge(validation.images), expected))


def warped(images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Images [B, H, W, C], slightly rotated and stretched about their centre; float32.

    The data have few writers, and a drawing is nobody's handwriting: the judge must not memorise
    theirs.
    """
    count, height, width, _ = images.shape
    turn = random.uniform(-TURN, TURN, count)
    across, down = random.uniform(1 - STRETCH, 1 + STRETCH, (2, count))
    a, b = across * np.cos(turn), -across * np.sin(turn)
    c, d = down * np.sin(turn), down * np.cos(turn)
    x, y = (width - 1) / 2, (height - 1) / 2
    zero = np.zeros(count)
    rows = [a, b, x - a * x - b * y, c, d, y - c * x - d * y, zero, zero]  # output -> input point
    return keras.ops.image.affine_transform(
        images.astype(np.float32), np.stack(rows, 1).astype(np.float32)
    ).numpy()


def _batch(data: SplitImages, labels: np.ndarray, random: np.random.Generator):
    rows = random.integers(len(labels), size=BATCH)
    return warped(data.images[rows], random), labels[rows]


def _labels(expected: Sequence[PlacedDigits]) -> np.ndarray:
    """The class of each place, int32 [images, places]."""
    return np.array([[one.get(place, NOTHING) for place in PLACES] for one in expected], np.int32)


def _fraction(hits: int, count: int) -> float:
    return hits / count if count else float("nan")
