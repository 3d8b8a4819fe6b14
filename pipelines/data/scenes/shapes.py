"""The shapes of every object and background.

Coordinates of objects are from -1 to 1, x to the right and y downwards; those of backgrounds are
from 0 to 32. An ink is the name of a colour in INKS, or "body" for the colour of the scene. Shapes
are few and large, because details are lost at 32 x 32 pixels.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

Colour = tuple[int, int, int]
Point = tuple[float, float]

INKS: Mapping[str, Colour] = {
    # The eight colours of coloured objects, distinct from each other and from the backgrounds.
    "red": (222, 26, 32),
    "orange": (255, 132, 0),
    "yellow": (255, 226, 20),
    "green": (10, 140, 50),
    "blue": (20, 60, 220),
    "purple": (126, 30, 170),
    "pink": (255, 120, 190),
    "white": (248, 248, 248),
    # Colours of particular objects.
    "outline": (28, 24, 34),
    "tyre": (34, 34, 40),
    "metal": (176, 182, 192),
    "glass": (178, 222, 246),
    "wood": (122, 74, 38),
    "roof": (110, 62, 48),
    "elephant": (158, 160, 176),
    "ear": (128, 130, 148),
    "cat": (236, 146, 56),
    "cat stripe": (186, 96, 26),
    "dog": (140, 88, 46),
    "dog ear": (84, 50, 26),
    "cream": (250, 226, 190),
    "banana": (255, 220, 40),
    "banana shade": (206, 158, 20),
    "banana tip": (96, 66, 24),
    "bowl": (74, 138, 214),
    "cake": (104, 58, 30),
    "icing": (66, 34, 18),
    "wing": (196, 206, 222),
    # Backgrounds.
    "cloud": (255, 255, 255),
    "rain cloud": (66, 72, 88),
    "rain": (176, 200, 226),
    "grass tuft": (52, 148, 40),
    "dry tuft": (166, 130, 48),
    "line": (236, 236, 230),
    "dune": (206, 128, 62),
    "sun": (255, 244, 190),
    "trunk": (92, 62, 40),
    "leaves": (16, 62, 34),
    "pine": (104, 138, 150),
    "moon": (255, 246, 190),
    "star": (240, 240, 255),
    "check": (206, 240, 234),
    "foam": (250, 252, 255),
}


@dataclass(frozen=True)
class Shape:
    """A filled polygon, an ellipse (`points` are its centre and radii) or a thick line."""

    form: str  # "polygon", "ellipse", "line"
    ink: str
    points: tuple[Point, ...]
    width: float = 0.0  # of a line


def polygon(ink: str, *points: Point) -> Shape:
    """A filled polygon."""
    return Shape("polygon", ink, points)


def box(ink: str, left: float, top: float, right: float, bottom: float) -> Shape:
    """A filled rectangle."""
    return polygon(ink, (left, top), (right, top), (right, bottom), (left, bottom))


def ellipse(ink: str, x: float, y: float, rx: float, ry: float | None = None) -> Shape:
    """A filled ellipse; a disc if there is only one radius."""
    return Shape("ellipse", ink, ((x, y), (rx, rx if ry is None else ry)))


def line(ink: str, width: float, *points: Point) -> Shape:
    """A thick polyline."""
    return Shape("line", ink, points, width)


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> tuple[Point, ...]:
    """Points on an ellipse from `start` to `end` degrees, clockwise from the right."""
    steps = 12
    angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
    return tuple((x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles)


def wheel(x: float, y: float, radius: float) -> tuple[Shape, Shape]:
    """A tyre with its hub."""
    return ellipse("tyre", x, y, radius), ellipse("metal", x, y, radius * 0.45)


def octagon(ink: str, x: float, y: float, radius: float) -> Shape:
    """A regular octagon that stands on a side."""
    angles = [math.radians(22.5 + 45 * i) for i in range(8)]
    return polygon(ink, *((x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles))


def banana(x: float, y: float, tilt: float) -> tuple[Shape, ...]:
    """A crescent below (x, y), turned by `tilt` degrees, with a darker edge and dark tips."""
    outer = arc(x, y, 0.78, 0.78, 15 + tilt, 165 + tilt)
    inner = arc(x, y, 0.62, 0.3, 165 + tilt, 15 + tilt)
    return (
        line("outline", 0.1, *inner),
        polygon("banana", *outer, *inner),
        line("banana shade", 0.1, *outer),
        ellipse("banana tip", *outer[0], 0.11),
        ellipse("banana tip", *outer[-1], 0.11),
    )


OBJECT_SHAPES: Mapping[str, tuple[Shape, ...]] = {
    "school bus": (
        polygon("body", (-1, -0.72), (0.6, -0.72), (0.66, -0.1), (1, -0.02), (1, 0.52), (-1, 0.52)),
        *(box("glass", x, -0.52, x + 0.26, -0.14) for x in (-0.88, -0.52, -0.16, 0.2)),
        box("tyre", -1, 0.12, 0.98, 0.24),
        *wheel(-0.55, 0.55, 0.27),
        *wheel(0.55, 0.55, 0.27),
    ),
    "car": (
        polygon("body", (-0.68, 0.02), (-0.4, -0.5), (0.34, -0.5), (0.66, 0.02)),
        polygon("body", (-1, 0.08), (-0.9, -0.04), (0.7, -0.04), (1, 0.14), (1, 0.5), (-1, 0.5)),
        polygon("glass", (-0.5, -0.02), (-0.3, -0.36), (-0.06, -0.36), (-0.06, -0.02)),
        polygon("glass", (0.08, -0.02), (0.08, -0.36), (0.26, -0.36), (0.46, -0.02)),
        *wheel(-0.54, 0.5, 0.29),
        *wheel(0.54, 0.5, 0.29),
    ),
    "truck": (
        polygon("metal", (0.3, -0.3), (0.74, -0.3), (1, 0.08), (1, 0.5), (0.3, 0.5)),
        polygon("glass", (0.46, -0.16), (0.68, -0.16), (0.86, 0.12), (0.46, 0.12)),
        box("body", -1, -0.9, 0.3, 0.5),
        *wheel(-0.55, 0.58, 0.27),
        *wheel(0.6, 0.58, 0.27),
    ),
    "motorcycle": (
        *wheel(-0.58, 0.4, 0.4),
        *wheel(0.58, 0.4, 0.4),
        line("metal", 0.14, (0.58, 0.4), (0.3, -0.6), (0.02, -0.74)),
        polygon(
            "body",
            (-1, -0.26),
            (-0.3, -0.08),
            (0, -0.52),
            (0.5, -0.52),
            (0.7, -0.08),
            (0.3, 0.04),
            (0.14, 0.56),
            (-0.34, 0.56),
            (-0.44, 0.1),
        ),
        polygon("tyre", (-0.94, -0.42), (-0.12, -0.36), (-0.2, -0.06), (-0.6, -0.14)),
    ),
    "sailboat": (
        line("wood", 0.12, (0, -0.98), (0, 0.6)),
        polygon("body", (0.08, -0.95), (0.85, 0.42), (0.08, 0.42)),
        polygon("body", (-0.08, -0.7), (-0.08, 0.42), (-0.7, 0.42)),
        polygon("wood", (-0.98, 0.52), (0.98, 0.52), (0.66, 0.92), (-0.66, 0.92)),
    ),
    "house": (
        box("body", -0.75, -0.2, 0.75, 0.9),
        polygon("roof", (-0.98, -0.14), (0, -0.95), (0.98, -0.14)),
        box("wood", -0.16, 0.3, 0.2, 0.9),
        box("glass", -0.6, 0.06, -0.3, 0.4),
        box("glass", 0.36, 0.06, 0.64, 0.4),
    ),
    "umbrella": (
        line("wood", 0.12, (0, -0.6), (0, 0.75), (0.1, 0.9), (0.26, 0.86), (0.32, 0.68)),
        polygon(
            "body",
            *arc(0, 0.12, 1, 1.05, 180, 360),
            *arc(0.67, 0.12, 0.33, 0.18, 0, -180),
            *arc(0, 0.12, 0.33, 0.18, 0, -180),
            *arc(-0.67, 0.12, 0.33, 0.18, 0, -180),
        ),
        line("outline", 0.05, (-0.34, 0.1), (-0.2, -0.5), (0, -0.9)),
        line("outline", 0.05, (0.34, 0.1), (0.2, -0.5), (0, -0.9)),
    ),
    "balloon": (
        polygon("body", *arc(0, -0.32, 0.74, 0.66, 160, 380), (0.22, 0.46), (-0.22, 0.46)),
        line("outline", 0.06, (-0.2, 0.46), (-0.2, 0.66)),
        line("outline", 0.06, (0.2, 0.46), (0.2, 0.66)),
        polygon("wood", (-0.28, 0.64), (0.28, 0.64), (0.2, 0.98), (-0.2, 0.98)),
    ),
    "airplane": (
        polygon("wing", (-0.2, -0.1), (0.28, -0.1), (-0.2, -0.9), (-0.46, -0.9)),
        polygon("wing", (-0.96, -0.06), (-0.6, -0.06), (-0.78, -0.56), (-1, -0.56)),
        polygon("white", (-1, -0.1), (0.6, -0.2), *arc(0.62, 0, 0.38, 0.2, -90, 90), (-0.8, 0.2)),
        *(ellipse("blue", x, -0.02, 0.06) for x in (-0.5, -0.25, 0, 0.25, 0.5)),
        polygon("wing", (-0.22, 0.1), (0.3, 0.1), (-0.24, 0.9), (-0.5, 0.9)),
    ),
    "stop sign": (
        box("metal", -0.1, 0.2, 0.1, 1),
        octagon("white", 0, -0.25, 0.8),
        octagon("red", 0, -0.25, 0.68),
        line(
            "white",
            0.09,
            (-0.34, -0.42),
            (-0.5, -0.42),
            (-0.5, -0.26),
            (-0.36, -0.26),
            (-0.36, -0.08),
            (-0.52, -0.08),
        ),
        line("white", 0.09, (-0.29, -0.42), (-0.03, -0.42)),
        line("white", 0.09, (-0.16, -0.42), (-0.16, -0.04)),
        line(
            "white", 0.09, (0.04, -0.42), (0.2, -0.42), (0.2, -0.08), (0.04, -0.08), (0.04, -0.42)
        ),
        line(
            "white", 0.09, (0.33, -0.04), (0.33, -0.42), (0.5, -0.42), (0.5, -0.24), (0.33, -0.24)
        ),
    ),
    "elephant": (
        *(box("elephant", x, 0.2, x + 0.28, 0.88) for x in (-0.82, -0.46, -0.1, 0.2)),
        ellipse("elephant", -0.25, -0.02, 0.72, 0.58),
        ellipse("elephant", 0.52, -0.22, 0.38, 0.4),
        polygon(
            "elephant", (0.6, -0.2), (0.9, -0.2), (1, 0.3), (0.96, 0.72), (0.76, 0.72), (0.78, 0.3)
        ),
        ellipse("ear", 0.26, -0.22, 0.28, 0.38),
        polygon("white", (0.58, 0.06), (0.78, 0.16), (0.72, 0.34)),
        ellipse("outline", 0.64, -0.28, 0.06),
    ),
    "cat": (
        line("cat", 0.2, (0.35, 0.78), (0.8, 0.7), (0.88, 0.3), (0.74, 0.05)),
        ellipse("cat", 0, 0.48, 0.5, 0.5),
        polygon("cat", (-0.56, -0.3), (-0.54, -0.98), (-0.1, -0.66)),
        polygon("cat", (0.56, -0.3), (0.54, -0.98), (0.1, -0.66)),
        ellipse("cat", 0, -0.3, 0.58, 0.46),
        ellipse("cream", 0, 0.55, 0.24, 0.34),
        ellipse("outline", -0.24, -0.36, 0.09),
        ellipse("outline", 0.24, -0.36, 0.09),
        ellipse("cream", 0, -0.12, 0.2, 0.14),
        line("cat stripe", 0.09, (0, -0.72), (0, -0.5)),
    ),
    "dog": (
        line("dog", 0.18, (-0.7, -0.05), (-0.95, -0.5)),
        *(box("dog", x, 0.2, x + 0.22, 0.9) for x in (-0.78, -0.48, 0.06, 0.34)),
        polygon("dog", (-0.8, -0.14), (0.5, -0.2), (0.58, 0.36), (-0.8, 0.4)),
        ellipse("dog", 0.45, -0.45, 0.38, 0.36),
        polygon("cream", (0.6, -0.56), (1, -0.4), (1, -0.16), (0.56, -0.14)),
        polygon("dog ear", (0.1, -0.74), (0.38, -0.7), (0.34, -0.1), (0.12, -0.1)),
        ellipse("outline", 0.96, -0.36, 0.09),
        ellipse("outline", 0.58, -0.52, 0.07),
    ),
    "bowl of bananas": (
        *banana(0.12, -0.85, -12),
        *banana(-0.06, -0.45, 6),
        polygon("bowl", *arc(0, 0.2, 0.96, 0.74, 0, 180)),
        box("white", -0.98, 0.16, 0.98, 0.34),
    ),
    "chocolate cake": (
        ellipse("white", 0, 0.68, 1, 0.26),
        polygon("cake", (-0.78, -0.26), (0.78, -0.26), *arc(0, 0.6, 0.78, 0.2, 0, 180)),
        polygon(
            "cream",
            (-0.78, 0.2),
            *arc(0, 0.2, 0.78, 0.2, 180, 0),
            (0.78, 0.34),
            *arc(0, 0.34, 0.78, 0.2, 0, 180),
        ),
        polygon(
            "icing",
            *arc(0, -0.26, 0.8, 0.26, 180, 360),
            (0.8, 0.02),
            (0.5, -0.08),
            (0.25, 0.12),
            (0, -0.02),
            (-0.3, 0.12),
            (-0.55, -0.05),
            (-0.8, 0.02),
        ),
        *(ellipse("red", x, y, 0.13) for x, y in ((-0.42, -0.36), (0.42, -0.36), (0, -0.44))),
    ),
}


@dataclass(frozen=True)
class Backdrop:
    """A background: bands of vertical gradients, then shapes.

    A band is (bottom row of 32, colour at its top, colour at its bottom).
    """

    bands: tuple[tuple[int, Colour, Colour], ...]
    shapes: tuple[Shape, ...] = ()


def cloud(ink: str, x: float, y: float, size: float) -> tuple[Shape, ...]:
    """Three puffs."""
    return (
        ellipse(ink, x - size, y, size, size * 0.6),
        ellipse(ink, x, y - size * 0.4, size, size * 0.8),
        ellipse(ink, x + size, y, size, size * 0.6),
    )


def tufts(ink: str) -> tuple[Shape, ...]:
    """Blades of grass, spread over the field."""
    spots = (
        (3, 14),
        (12, 12),
        (22, 14),
        (29, 12),
        (6, 22),
        (17, 20),
        (27, 22),
        (2, 30),
        (12, 29),
        (22, 30),
        (30, 30),
    )
    return tuple(
        polygon(
            ink, (x - 1.6, y), (x - 0.8, y - 2.4), (x, y - 0.8), (x + 0.8, y - 2.6), (x + 1.6, y)
        )
        for x, y in spots
    )


def pine(x: float, y: float, size: float) -> Shape:
    """A distant tree."""
    return polygon("pine", (x - size * 0.5, y), (x, y - size), (x + size * 0.5, y))


BACKDROPS: Mapping[str, Backdrop] = {
    "blue sky": Backdrop(
        ((32, (84, 166, 246), (186, 224, 255)),),
        (*cloud("cloud", 6, 6, 3), *cloud("cloud", 26, 9, 2.6), *cloud("cloud", 9, 27, 2.6)),
    ),
    "rainy sky": Backdrop(
        ((32, (92, 102, 122), (134, 146, 162)),),
        (
            *cloud("rain cloud", 5, 2, 4),
            *cloud("rain cloud", 17, 1, 4),
            *cloud("rain cloud", 28, 2, 4),
            *(
                line("rain", 0.8, (x, y), (x - 2, y + 5))
                for x, y in (
                    (5, 9),
                    (13, 8),
                    (21, 9),
                    (29, 8),
                    (9, 17),
                    (17, 17),
                    (25, 17),
                    (5, 25),
                    (13, 25),
                    (21, 25),
                    (30, 25),
                )
            ),
        ),
    ),
    "night": Backdrop(
        ((32, (8, 10, 40), (30, 36, 92)),),
        (
            ellipse("moon", 27, 5, 3.4),
            *(
                ellipse("star", x, y, 0.7)
                for x, y in (
                    (4, 4),
                    (12, 8),
                    (19, 3),
                    (30, 14),
                    (3, 17),
                    (9, 26),
                    (22, 28),
                    (29, 24),
                    (15, 30),
                )
            ),
        ),
    ),
    "green grass": Backdrop(
        ((8, (150, 208, 252), (206, 234, 255)), (32, (116, 206, 76), (92, 188, 56))),
        tufts("grass tuft"),
    ),
    "dry grass": Backdrop(
        ((8, (206, 222, 226), (236, 234, 212)), (32, (222, 196, 96), (204, 172, 72))),
        tufts("dry tuft"),
    ),
    "parking lot": Backdrop(
        ((6, (168, 150, 140), (168, 150, 140)), (32, (84, 86, 94), (72, 74, 82))),
        (
            box("line", -4, 5.6, 36, 6.4),
            *(
                polygon("line", (x, 6), (x + 1.2, 6), (x * 1.3 - 3.2, 32), (x * 1.3 - 4.9, 32))
                for x in (2, 11.5, 21, 30.5)
            ),
        ),
    ),
    "beach": Backdrop(
        (
            (5, (150, 216, 255), (200, 236, 255)),
            (13, (0, 126, 190), (40, 176, 206)),
            (32, (250, 232, 180), (240, 214, 156)),
        ),
        (
            polygon(
                "foam",
                *((x, 13 + (0.7 if x % 8 else -0.7)) for x in range(-4, 40, 4)),
                *((x, 14.6 + (0.7 if x % 8 else -0.7)) for x in range(36, -8, -4)),
            ),
        ),
    ),
    "desert": Backdrop(
        ((9, (255, 190, 120), (255, 222, 168)), (32, (232, 158, 90), (214, 130, 66))),
        (
            ellipse("sun", 6, 4.5, 3),
            polygon(
                "dune",
                (-4, 12),
                (6, 8),
                (16, 12),
                (26, 7),
                (38, 12),
                (38, 15),
                (26, 11),
                (16, 15),
                (6, 12),
                (-4, 16),
            ),
            polygon(
                "dune", (-4, 27), (8, 23), (20, 27), (38, 22), (38, 25), (20, 30), (8, 26), (-4, 30)
            ),
        ),
    ),
    "forest": Backdrop(
        ((10, (24, 84, 44), (30, 96, 50)), (32, (46, 112, 58), (34, 84, 44))),
        (
            *(box("trunk", x, 4, x + 2.6, 26 + x % 3) for x in (2, 9, 15.5, 22, 28)),
            *(ellipse("leaves", x, 3, 5, 4.5) for x in (2, 10, 18, 26, 33)),
        ),
    ),
    "snow": Backdrop(
        ((9, (172, 198, 230), (206, 222, 240)), (32, (250, 252, 255), (226, 236, 248))),
        (pine(4, 10, 6), pine(9, 10, 8), pine(23, 10, 8), pine(28.5, 10, 6)),
    ),
    "table": Backdrop(
        ((7, (240, 206, 176), (240, 206, 176)), (32, (140, 206, 198), (126, 194, 186))),
        tuple(
            box("check", x, y, x + 6.4, y + 6.25)
            for row, y in enumerate((7, 13.25, 19.5, 25.75))
            for x in range(-6 + 6 * (row % 2), 38, 13)
        ),
    ),
}
