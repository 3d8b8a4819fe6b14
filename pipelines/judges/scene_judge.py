"""Judges which scene an image shows, by analysis through synthesis.

Every scene that the world can contain is drawn and compared with the image; the nearest one is the
answer. "Nearest" means the squared distance of the pixels after a mild blur of both, which forgives
soft edges, and the best of small shifts of the object, which forgive its exact place. An object is
drawn once, as a layer of colour and alpha, and laid over every background:

    template = background * (1 - alpha) + colour
    distance = |blur(image)|^2 - 2 <blur(image), blur(template)> + |blur(template)|^2

The blur is its own transpose: <blur(image), blur(template)> = <blur(blur(image)), template>. This
product splits into one with the colour, which all backgrounds share, and one with 1 - alpha.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from PIL import Image

from pipelines.data.scenes.renderer import SUPERSAMPLING, Jitter, draw_background, draw_objects
from pipelines.data.scenes.world import BACKGROUNDS, COLOURS, COUNTS, OBJECTS, PLACES, Scene

# Offsets of the object, x and y in pixels of a 32 x 32 image.
SHIFTS = ((0.0, 0.0), (-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0))


class SceneJudge:
    """Recovers the scenes of images. The constructor draws all candidates: about a second.

    Args:
        size: Height and width at which images are compared; others are resized to it.
    """

    def __init__(self, size: tuple[int, int] = (32, 32)):
        self._size = size
        self._backgrounds = {name: self._background(name) for name in BACKGROUNDS}
        shifts = [Jitter(dx=dx, dy=dy) for dx, dy in SHIFTS]
        candidates = list(itertools.product(candidate_objects(), shifts))
        self._scenes = [scene for scene, _ in candidates]
        layers = [self.layer(scene, shift) for scene, shift in candidates]
        self._colours = np.stack([colour for colour, _ in layers])  # [K, H, W, 3]
        self._clear = np.stack([1 - alpha for _, alpha in layers])  # [K, H, W, 1]

    def judge(self, images: np.ndarray) -> list[Scene]:
        """The nearest scene of each image.

        Args:
            images: uint8 [B, H, W, 3].

        Raises:
            ValueError: another type or shape.
        """
        _check_images(images)
        pixels = np.stack([self._pixels(Image.fromarray(image)) for image in images])
        twice_blurred = blurred(blurred(pixels))
        on_colours = flattened(twice_blurred) @ flattened(self._colours).T  # [B, K]
        nearest = [self._nearest(twice_blurred, on_colours, name) for name in BACKGROUNDS]
        distances = np.stack([distance for distance, _ in nearest])  # [backgrounds, B]
        return [
            replace(self._scenes[nearest[k][1][i]], background=BACKGROUNDS[k])
            for i, k in enumerate(distances.argmin(0))
        ]

    def _nearest(
        self, twice_blurred: np.ndarray, on_colours: np.ndarray, background: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Distance, less |blur(image)|^2, and index of the nearest template on one background."""
        behind = (twice_blurred * self._backgrounds[background]).sum(-1)  # [B, H, W]
        products = on_colours + flattened(behind) @ flattened(self._clear).T
        distances = self._squares[background] - 2 * products  # [B, K]
        return distances.min(1), distances.argmin(1)

    @cached_property
    def _squares(self) -> dict[str, np.ndarray]:
        """|blur(template)|^2 of every template, [K], by background."""
        return {name: self._squares_on(image) for name, image in self._backgrounds.items()}

    def _squares_on(self, background: np.ndarray) -> np.ndarray:
        return (flattened(blurred(background * self._clear + self._colours)) ** 2).sum(1)

    def _background(self, name: str) -> np.ndarray:
        return self._pixels(draw_background(name, max(self._size)))

    def layer(self, scene: Scene, jitter: Jitter) -> tuple[np.ndarray, np.ndarray]:
        """Colour times alpha [H, W, 3], and alpha [H, W, 1], from drawings on black and white."""
        on_black, on_white = (self._drawn_on(level, scene, jitter) for level in (0, 255))
        alpha = 1 - (on_white - on_black).mean(-1, keepdims=True)
        return on_black, alpha

    def _drawn_on(self, level: int, scene: Scene, jitter: Jitter) -> np.ndarray:
        side = max(self._size) * SUPERSAMPLING
        canvas = Image.new("RGB", (side, side), (level, level, level))
        draw_objects(canvas, scene, jitter)
        return self._pixels(canvas)

    def _pixels(self, picture: Image.Image) -> np.ndarray:
        """An image at the judge's size, float32 [H, W, 3] from 0 to 1."""
        height, width = self._size
        if picture.size != (width, height):
            picture = picture.resize((width, height), Image.Resampling.BOX)
        return np.asarray(picture, np.float32) / 255


def candidate_objects() -> Iterator[Scene]:
    """Every object, colour, place and count, held out or not; the background is arbitrary."""
    for name, kind in OBJECTS.items():
        colours = COLOURS if kind.coloured else (None,)
        counts = COUNTS if kind.herds else ("one",)
        for colour, place, count in itertools.product(colours, PLACES, counts):
            yield Scene(name, colour, BACKGROUNDS[0], place, count)


def blurred(images: np.ndarray) -> np.ndarray:
    """A blur by (1, 2, 1) / 4 along height and width of float images [K, H, W, C]."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    rows = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    return (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 4


def flattened(images: np.ndarray) -> np.ndarray:
    """Images [K, ...] as rows [K, D]."""
    return images.reshape(len(images), -1)


def accuracy(judged: Sequence[Scene], expected: Sequence[Scene]) -> Mapping[str, float]:
    """The fraction of right answers, by attribute; NaN for an attribute that was never asked for.

    Colour is asked for where the expected object comes in several colours. An object is right if
    its count is right too.
    """
    pairs = list(zip(judged, expected, strict=True))
    return {
        "colour": _fraction(got.colour == want.colour for got, want in pairs if want.colour),
        "background": _fraction(got.background == want.background for got, want in pairs),
        "object": _fraction(
            (got.object, got.count) == (want.object, want.count) for got, want in pairs
        ),
        "place": _fraction(got.place == want.place for got, want in pairs),
    }


def _fraction(hits: Iterator[bool]) -> float:
    hits = list(hits)
    return sum(hits) / len(hits) if hits else float("nan")


def _check_images(images: np.ndarray) -> None:
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"Expected images as uint8 [B, H, W, 3], got {images.dtype} {list(images.shape)}"
        )
