"""Judges which digits stand where in a picture of MNIST with captions.

A small network, trained on the data folder's own pictures, looks at the eight places where a digit
can stand and says of each which digit it sees there, or none. The same weights look at every place:
so the judge, too, has seen no banned digit in its slot, and yet knows it from the other places.
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
from pipelines.judges.cached_network import About, load_or_train, train_steps

Digits = Mapping[str, int]  # the digits of a picture by their places

PLACES = {  # rows and columns of the upper left corner, pixels
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
NOTHING = 10  # beside the digits 0 to 9

FILTERS, UNITS = (16, 32, 64), 128
CELL = 4  # pixels: of the network's map of the picture
WINDOW = 8  # cells: 32 pixels, room for a digit of 28 wherever its range puts it
CELLS = {0: 0, 16: 4, 28: 7, 30: 7}  # where the window of a range that begins at a pixel begins

STEPS, BATCH, LEARNING_RATE = 1500, 64, 2e-3
TURN, STRETCH = 0.15, 0.1  # of the pictures trained on: radians, and share of the size


class DigitJudge(keras.Model):
    """Recovers the digits of pictures, and their places.

    Args:
        seed: of the first weights.

    Call arguments:
        images: uint8 or float [B, H, W, 1], values to 255; resized to 60x60 where they are not.

    Output:
        Logits float32 [B, places, 11].
    """

    def __init__(self, seed: int = 0, **kwargs):
        super().__init__(name="digit_judge", **kwargs)
        he = keras.initializers.HeNormal(keras.random.SeedGenerator(seed))
        self.convolutions = [
            keras.layers.Conv2D(
                count, 3, padding="same", activation="relu", kernel_initializer=he, name=f"conv_{k}"
            )
            for k, count in enumerate(FILTERS)
        ]
        self.dense = keras.layers.Dense(
            UNITS, activation="relu", kernel_initializer=he, name="dense"
        )
        self.head = keras.layers.Dense(NOTHING + 1, kernel_initializer=he, name="digit")
        for convolution, depth in zip(self.convolutions, (1, *FILTERS), strict=False):
            convolution.build((None, None, None, depth))
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

    def judge(self, images: np.ndarray) -> list[Digits]:
        """The digits of each picture.

        images: uint8 [B, H, W, 1].
        """
        if images.ndim != 4 or images.shape[-1] != 1 or images.dtype != np.uint8:
            raise ValueError(
                f"expected pictures as uint8 [B, H, W, 1], got {images.dtype} {list(images.shape)}"
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


def read_digits(attributes: bytes) -> Digits:
    """The digits of a picture, as its record tells them.

    Raises:
        msgspec.DecodeError: it tells none.
    """
    told = msgspec.json.decode(attributes, type=_Attributes)
    template = next((t for t in TEMPLATES if t.place == told.place), None)
    if template is None or len(told.digits) != len(template.rows):
        raise msgspec.DecodeError(f"{told} is no picture of MNIST with captions")
    places = (_NAMES[where] for where in zip(template.rows, template.columns, strict=True))
    return dict(zip(places, told.digits, strict=True))


def digit_accuracy(judged: Sequence[Digits], wanted: Sequence[Digits]) -> Mapping[str, float]:
    """The fraction of right answers; NaN where nothing was asked.

    `digit`: of the digits wanted, those that stand anywhere in their picture; `place`: of the
    pictures, those with digits in the right places and no others, whichever digits; `both`: of the
    pictures, those with the right digit in every place.
    """
    pairs = list(zip(judged, wanted, strict=True))
    found = [(Counter(got.values()) & Counter(want.values())).total() for got, want in pairs]
    return {
        "digit": _fraction(sum(found), sum(len(want) for want in wanted)),
        "place": _fraction(sum(got.keys() == want.keys() for got, want in pairs), len(pairs)),
        "both": _fraction(sum(got == want for got, want in pairs), len(pairs)),
    }


def open_digit_judge(folder: DataFolder) -> tuple[DigitJudge, About]:
    """The judge of a data folder, kept in `DATA-digit-judge`; trained where it is not there.

    Training takes a minute or two on two cores. The figures kept with it: its accuracy on `val`.

    Raises:
        UserError: the data are damaged, or what is kept belongs to other data.
    """
    judge = DigitJudge()
    return judge, load_or_train(
        judge, folder, "digit-judge", lambda: train_digit_judge(judge, folder)
    )


def train_digit_judge(
    judge: DigitJudge, folder: DataFolder, *, steps: int | None = None, seed: int = 0
) -> dict[str, float]:
    """Train on `train`, and give the accuracy on `val`."""
    pictures = read_images(folder, "train")
    labels = _labels([read_digits(attributes) for attributes in pictures.attributes])
    train_steps(
        judge,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        lambda step: _batch(pictures, labels, np.random.default_rng([seed, step])),
        steps=steps or STEPS,
        learning_rate=LEARNING_RATE,
        what="the judge of digits",
    )
    held_back = read_images(folder, "val")
    wanted = [read_digits(attributes) for attributes in held_back.attributes]
    return dict(digit_accuracy(judge.judge(held_back.images), wanted))


def warped(images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Pictures [B, H, W, C] a little turned and stretched, about their middle; float32.

    There are few writers, and a drawing is nobody's hand: the judge must not learn theirs by heart.
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


def _batch(pictures: SplitImages, labels: np.ndarray, random: np.random.Generator):
    chosen = random.integers(len(labels), size=BATCH)
    return warped(pictures.images[chosen], random), labels[chosen]


def _labels(wanted: Sequence[Digits]) -> np.ndarray:
    """What stands in each place, int32 [pictures, places]."""
    return np.array([[w.get(place, NOTHING) for place in PLACES] for w in wanted], np.int32)


def _fraction(hits: int, count: int) -> float:
    return hits / count if count else float("nan")
