"""Judges what a picture of the scenes' world shows, by analysis through synthesis.

Every scene that the world can hold is drawn and compared with the picture; the nearest one is the
answer. "Nearest" is the squared distance of the pixels after a mild blur of both, which forgives
the soft edges of a drawing, and over small shifts of the object, which forgive its exact place.
An object is drawn once as a layer of colour and alpha, and laid over every background:

    template = background * (1 - alpha) + colour
    distance = |picture|^2 - 2 <picture, template> + |template|^2

so that a background costs one matrix product, whatever the number of pictures.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from pipelines.data.scenes.renderer import SUPERSAMPLING, Jitter, draw_background, draw_objects
from pipelines.data.scenes.world import BACKGROUNDS, COLOURS, COUNTS, OBJECTS, PLACES, Scene

# How far the object may be off, x and y in pixels of a 32 x 32 picture.
SHIFTS = ((0.0, 0.0), (-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0))


class SceneJudge:
    """Recovers the scenes of pictures. Making one draws all candidates: a few seconds.

    `size` is the height and width that pictures are compared at; others are resized to it.
    """

    def __init__(self, size: tuple[int, int] = (32, 32)):
        self._size = size
        self._backgrounds = {name: self._background(name) for name in BACKGROUNDS}
        shifts = [Jitter(dx=dx, dy=dy) for dx, dy in SHIFTS]
        drawn = list(itertools.product(candidate_objects(), shifts))
        self._scenes = [scene for scene, _ in drawn]
        layers = [self.layer(scene, shift) for scene, shift in drawn]
        self._colours = np.stack([colour for colour, _ in layers])  # [K, H, W, 3]
        self._alphas = np.stack([alpha for _, alpha in layers])  # [K, H, W, 1]

    def judge(self, images: np.ndarray) -> list[Scene]:
        """The nearest scene of each picture.

        images: uint8 [B, H, W, 3].
        """
        _check_images(images)
        pictures = flat(blurred(np.stack([self._pixels(Image.fromarray(x)) for x in images])))
        nearest = [self._nearest(pictures, name) for name in BACKGROUNDS]
        distances = np.stack([distance for distance, _ in nearest])  # [backgrounds, B]
        return [
            replace(self._scenes[nearest[k][1][i]], background=BACKGROUNDS[k])
            for i, k in enumerate(distances.argmin(0))
        ]

    def _nearest(self, pictures: np.ndarray, background: str) -> tuple[np.ndarray, np.ndarray]:
        """Distance, less |picture|^2, and number of the nearest template on one background."""
        templates = flat(
            blurred(self._backgrounds[background] * (1 - self._alphas) + self._colours)
        )
        distances = (templates**2).sum(1) - 2 * pictures @ templates.T  # [B, K]
        return distances.min(1), distances.argmin(1)

    def _background(self, name: str) -> np.ndarray:
        return self._pixels(draw_background(name, max(self._size)))

    def layer(self, scene: Scene, jitter: Jitter) -> tuple[np.ndarray, np.ndarray]:
        """Colour times alpha [H, W, 3], and alpha [H, W, 1]: what black and white let through."""
        on_black, on_white = (self._drawn_on(level, scene, jitter) for level in (0, 255))
        alpha = 1 - (on_white - on_black).mean(-1, keepdims=True)
        return on_black, alpha

    def _drawn_on(self, level: int, scene: Scene, jitter: Jitter) -> np.ndarray:
        side = max(self._size) * SUPERSAMPLING
        canvas = Image.new("RGB", (side, side), (level, level, level))
        draw_objects(canvas, scene, jitter)
        return self._pixels(canvas)

    def _pixels(self, picture: Image.Image) -> np.ndarray:
        """A picture at the judge's size, float32 [H, W, 3] from 0 to 1."""
        height, width = self._size
        if picture.size != (width, height):
            picture = picture.resize((width, height), Image.Resampling.BOX)
        return np.asarray(picture, np.float32) / 255


def candidate_objects() -> Iterator[Scene]:
    """Every object, colour, place and count, held out or not, on no background in particular."""
    for name, kind in OBJECTS.items():
        colours = COLOURS if kind.coloured else (None,)
        counts = COUNTS if kind.herds else ("one",)
        for colour, place, count in itertools.product(colours, PLACES, counts):
            yield Scene(name, colour, BACKGROUNDS[0], place, count)


def blurred(pictures: np.ndarray) -> np.ndarray:
    """A blur by (1, 2, 1) / 4 along height and width of float pictures [K, H, W, C]."""
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    rows = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    return (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 4


def flat(pictures: np.ndarray) -> np.ndarray:
    """[K, H, W, C] as [K, H * W * C]."""
    return pictures.reshape(len(pictures), -1)


def accuracy(judged: Sequence[Scene], wanted: Sequence[Scene]) -> Mapping[str, float]:
    """The fraction of right answers, by attribute.

    Colour counts over wanted objects that come in several colours; an object is right when its
    count is too. An attribute that nothing was wanted of is NaN.
    """
    pairs = list(zip(judged, wanted, strict=True))
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
            f"expected pictures as uint8 [B, H, W, 3], got {images.dtype} {list(images.shape)}"
        )
