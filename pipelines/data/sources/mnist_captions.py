"""MNIST with captions: one or two handwritten digits on a 60x60 canvas, and their positions.

Eight templates, equally likely, of twelve tokens each:

    the digit A is on the left of | on the right of | at the top of | at the bottom of the digit B .
    the digit A is at the top left | bottom right | top right | bottom left of the image .

The first four have two digits and the others one: twelve slots. One digit is banned from each slot.
Pictures with a banned digit in its slot are never trained on; they are in a split of their own,
`held_out`. The authors chose the banned digits at random and never evaluated on them. Here they
depend on the seed and are part of the manifest's facts.

Sizes and offsets are the authors'; digits are written as words ("seven"), as we recall it from the
paper.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.data.sources.example import Example
from pipelines.data.sources.mnist_digits import SIDE, Digits, load_digits
from t2i_tf.errors import UsageError

CANVAS = 60  # side of the canvas, pixels
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

# Ranges of a digit's upper left corner, pixels, both ends included.
NEAR_ROWS, FAR_ROWS = (0, 2), (30, 32)
NEAR_COLUMNS, FAR_COLUMNS = (0, 4), (28, 32)
MIDDLE = (16, 18)


@dataclass(frozen=True)
class Template:
    """A sentence, and the range of rows and of columns of each digit that it names.

    If two digits have the same range, they get the same offset: two digits side by side are in the
    same rows.
    """

    place: str
    sentence: str
    rows: tuple[tuple[int, int], ...]
    columns: tuple[tuple[int, int], ...]


def _pair(place: str, rows, columns) -> Template:
    return Template(place, f"the digit {{}} is {place} the digit {{}} .", rows, columns)


def _corner(place: str, rows, columns) -> Template:
    return Template(place, f"the digit {{}} is at the {place} of the image .", (rows,), (columns,))


TEMPLATES = (
    _pair("on the left of", (MIDDLE, MIDDLE), (NEAR_COLUMNS, FAR_COLUMNS)),
    _pair("on the right of", (MIDDLE, MIDDLE), (FAR_COLUMNS, NEAR_COLUMNS)),
    _pair("at the top of", (NEAR_ROWS, FAR_ROWS), (MIDDLE, MIDDLE)),
    _pair("at the bottom of", (FAR_ROWS, NEAR_ROWS), (MIDDLE, MIDDLE)),
    _corner("top left", NEAR_ROWS, NEAR_COLUMNS),
    _corner("bottom right", FAR_ROWS, FAR_COLUMNS),
    _corner("top right", NEAR_ROWS, FAR_COLUMNS),
    _corner("bottom left", FAR_ROWS, NEAR_COLUMNS),
)

# The pool of writers for the digits of each split; random seeds depend on the order of splits.
WRITERS = {"train": "train", "val": "val", "test": "test", "held_out": "test"}


class MnistCaptionsSource:
    """Images uint8 [60, 60, 1], white on black, each a function of (seed, split, index).

    Args:
        train, val, test, held_out: Examples of each split.
        seed: Seed of the banned digits and of every image.
        digits: Handwritten digits; MNIST or its replacement if None.

    Raises:
        UsageError: a split has no examples.
    """

    name = "mnist-captions"

    def __init__(
        self,
        *,
        train: int = 40_000,
        val: int = 2_000,
        test: int = 2_000,
        held_out: int = 2_000,
        seed: int = 0,
        digits: Digits | None = None,
    ):
        self.sizes = {"train": train, "val": val, "test": test, "held_out": held_out}
        if min(self.sizes.values()) < 1:
            raise UsageError(f"Expected at least one example in every split, got {self.sizes}.")
        self.seed = seed
        self.digits = digits or load_digits()
        self.banned = sample_banned(seed)

    def splits(self) -> Mapping[str, Sequence[Example]]:
        """Every split; its examples are composed when they are read."""
        return {split: ComposedSplit(self, split) for split in self.sizes}

    def facts(self) -> Mapping[str, Any]:
        """The seed, the origin of the digits, and the digits that are held out of training."""
        return {
            "seed": self.seed,
            "digits": self.digits.origin,
            "digits_of_writers": {
                pool: len(labels) for pool, (_, labels) in self.digits.pools.items()
            },
            "banned": {
                template.place: list(banned)
                for template, banned in zip(TEMPLATES, self.banned, strict=True)
            },
        }

    def compose(self, split: str, index: int) -> Example:
        """Example `index` of a split, a function of the seed alone."""
        random = np.random.default_rng([self.seed, list(WRITERS).index(split), index])
        which = int(random.integers(len(TEMPLATES)))
        template, banned = TEMPLATES[which], self.banned[which]
        labels = sample_labels(random, banned, held_out=split == "held_out")
        pictures = [self.digits.sample(random, WRITERS[split], label) for label in labels]
        return Example(
            id=f"{split}-{index:06d}",
            picture=place_digits(random, template, pictures),
            captions=(template.sentence.format(*(WORDS[label] for label in labels)),),
            attributes={"template": which, "place": template.place, "digits": labels},
        )


class ComposedSplit(Sequence):
    """A split as a sequence that composes each example on access."""

    def __init__(self, source: MnistCaptionsSource, split: str):
        self._source, self._split = source, split

    def __len__(self) -> int:
        """Number of examples."""
        return self._source.sizes[self._split]

    def __getitem__(self, index):
        """An example, or a list of them for a slice."""
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._source.compose(self._split, index)

    def __iter__(self) -> Iterator[Example]:
        """All examples, in order."""
        return (self[index] for index in range(len(self)))


def sample_banned(seed: int) -> tuple[tuple[int, ...], ...]:
    """The digit that is banned from each slot of each template: twelve in all."""
    random = np.random.default_rng([seed, len(WRITERS)])  # the seed of no split
    return tuple(
        tuple(int(digit) for digit in random.integers(10, size=len(template.rows)))
        for template in TEMPLATES
    )


def sample_labels(
    random: np.random.Generator, banned: tuple[int, ...], *, held_out: bool
) -> list[int]:
    """Digits for a template's slots: at least one is banned if `held_out`, otherwise none."""
    while True:
        labels = [int(label) for label in random.integers(10, size=len(banned))]
        if any(a == b for a, b in zip(labels, banned, strict=True)) == held_out:
            return labels


def place_digits(
    random: np.random.Generator, template: Template, pictures: Sequence[np.ndarray]
) -> np.ndarray:
    """Digits, uint8 [28, 28] each, on a black canvas: uint8 [60, 60, 1]."""
    canvas = np.zeros((CANVAS, CANVAS, 1), np.uint8)
    rows, columns = sample_offsets(random, template.rows), sample_offsets(random, template.columns)
    for picture, row, column in zip(pictures, rows, columns, strict=True):
        window = canvas[row : row + SIDE, column : column + SIDE, 0]
        np.maximum(window, picture, out=window)  # digits may overlap by four columns
    return canvas


def sample_offsets(random: np.random.Generator, ranges: Sequence[tuple[int, int]]) -> list[int]:
    """An offset for each digit, pixels; the same one for digits with the same range."""
    offsets = {span: int(random.integers(span[0], span[1] + 1)) for span in dict.fromkeys(ranges)}
    return [offsets[span] for span in ranges]
