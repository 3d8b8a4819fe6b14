"""Renders a scene: flat shapes on a supersampled Pillow canvas, reduced with antialiasing."""

import random
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from pipelines.data.scenes.shapes import BACKDROPS, INKS, OBJECT_SHAPES, Backdrop, Colour, Shape
from pipelines.data.scenes.world import Scene

SUPERSAMPLING = 4
GRID = 32  # lengths below are in pixels of a 32 x 32 picture

PLACE_CENTRES = {
    "left": (10.0, 17.0),
    "right": (22.0, 17.0),
    "top": (16.0, 10.0),
    "bottom": (16.0, 22.0),
    "middle": (16.0, 16.0),
}
HALF_SIZE = 9.6  # of an object
OUTLINE = 0.55  # keeps every object visible on every background
HERD = ((-5.0, -4.4, 0.53), (5.0, -3.6, 0.53), (0.2, 5.0, 0.53))  # offset x, y and scale


@dataclass(frozen=True)
class Jitter:
    """The difference between one picture of a scene and the canonical one."""

    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0
    drift: float = 0.0  # of the background's shapes, horizontally
    object_shade: float = 1.0
    background_shade: float = 1.0


CANONICAL = Jitter()


def sample_jitter(rng: random.Random) -> Jitter:
    """Small differences: about a pixel in position, 5 % in size and in brightness."""
    return Jitter(
        dx=rng.uniform(-1, 1),
        dy=rng.uniform(-1, 1),
        scale=rng.uniform(0.95, 1.05),
        drift=rng.uniform(-1, 1),
        object_shade=rng.uniform(0.93, 1.03),
        background_shade=rng.uniform(0.96, 1.02),
    )


class Pen:
    """Draws shapes in their own coordinate system on a picture: pixel = origin + unit * point."""

    def __init__(self, picture: Image.Image, x: float, y: float, unit: float, shade: float):
        self._draw = ImageDraw.Draw(picture)
        self._x, self._y, self._unit, self._shade = x, y, unit, shade

    def fill(self, shapes: Iterable[Shape], body: str | None = None) -> None:
        """Draws each shape in its own ink; `body` is the ink of the shapes whose ink is "body"."""
        for shape in shapes:
            ink = INKS[body if shape.ink == "body" and body else shape.ink]
            self._shape(shape, shaded(ink, self._shade), 0.0)

    def outline(self, shapes: Iterable[Shape], width: float) -> None:
        """Draws each shape in the ink of outlines, `width` pixels larger on every side."""
        for shape in shapes:
            self._shape(shape, INKS["outline"], width)

    def _shape(self, shape: Shape, colour: Colour, margin: float) -> None:
        if shape.form == "ellipse":
            (x, y), (rx, ry) = shape.points
            x, y = self._x + x * self._unit, self._y + y * self._unit
            rx, ry = rx * self._unit + margin, ry * self._unit + margin
            self._draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=colour)
            return
        points = [(self._x + x * self._unit, self._y + y * self._unit) for x, y in shape.points]
        if shape.form == "polygon":
            self._draw.polygon(points, fill=colour)
            if margin:
                self._draw.line([*points, points[0]], fill=colour, width=round(2 * margin))
        else:
            width = round(shape.width * self._unit + 2 * margin)
            self._draw.line(points, fill=colour, width=width, joint="curve")


def shaded(colour: Colour, shade: float) -> Colour:
    """The colour with its levels multiplied by `shade`."""
    red, green, blue = (min(255, round(shade * level)) for level in colour)
    return red, green, blue


def draw_background(name: str, size: int, jitter: Jitter = CANONICAL) -> Image.Image:
    """The background alone, supersampled."""
    pixels = size * SUPERSAMPLING
    backdrop = BACKDROPS[name]
    column = Image.fromarray(_gradient(backdrop, jitter.background_shade))
    picture = column.resize((pixels, pixels), Image.Resampling.BILINEAR)
    unit = pixels / GRID
    Pen(picture, jitter.drift * unit, 0, unit, jitter.background_shade).fill(backdrop.shapes)
    return picture


def _gradient(backdrop: Backdrop, shade: float) -> np.ndarray:
    """The bands of a background as one column of pixels, uint8 [32, 1, 3]."""
    column = np.empty((GRID, 1, 3))
    top = 0
    for bottom, first, last in backdrop.bands:
        column[top:bottom, 0] = np.linspace(first, last, bottom - top)
        top = bottom
    return np.clip(shade * column, 0, 255).astype(np.uint8)


def draw_objects(picture: Image.Image, scene: Scene, jitter: Jitter = CANONICAL) -> None:
    """Draws the scene's object, or its herd, on a supersampled picture."""
    unit = picture.width / GRID
    shapes = OBJECT_SHAPES[scene.object]
    x, y = PLACE_CENTRES[scene.place]
    for dx, dy, scale in HERD if scene.count == "herd" else ((0.0, 0.0, 1.0),):
        pen = Pen(
            picture,
            (x + dx + jitter.dx) * unit,
            (y + dy + jitter.dy) * unit,
            HALF_SIZE * scale * jitter.scale * unit,
            jitter.object_shade,
        )
        pen.outline(shapes, OUTLINE * scale**0.5 * unit)
        pen.fill(shapes, scene.colour)


def reduce(picture: Image.Image) -> np.ndarray:
    """A supersampled picture at its final size, uint8 [H, W, 3]."""
    return np.asarray(picture.reduce(SUPERSAMPLING))


def render(scene: Scene, size: int, rng: random.Random | None = None) -> np.ndarray:
    """The picture of a scene, uint8 [size, size, 3]; the canonical one if `rng` is None."""
    jitter = CANONICAL if rng is None else sample_jitter(rng)
    picture = draw_background(scene.background, size, jitter)
    draw_objects(picture, scene, jitter)
    return reduce(picture)
