"""Arrays of pixels as files to look at: a grid of pictures, a drawing as an animated GIF."""

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from serving.client.results import Drawing

SIDE = 256  # the longer side of an enlarged picture, pixels
GAP = 8  # pixels between the pictures of a grid
DRAWING_MS, REST_MS = 2_400, 2_500  # of drawing; then the finished picture rests
PAPER, HALO, LINE = "#fbfaf7", "#000000", "#ffffff"  # two lines: one shows on any picture


def png_of_grid(pictures: Sequence[np.ndarray]) -> bytes:
    """A PNG of pictures uint8 [H, W, C], enlarged so that every pixel shows."""
    return _saved(_grid([_enlarged(picture) for picture in pictures]), "PNG")


def gif_of_drawings(drawings: Sequence[Drawing]) -> bytes:
    """A GIF that repeats for ever: a frame a step with the window written to, then the pictures."""
    steps = len(drawings[0].canvases)
    frames = [_grid([_framed(drawing, step) for drawing in drawings]) for step in range(steps)]
    frames.append(_grid([_enlarged(drawing.canvases[-1]) for drawing in drawings]))
    milliseconds = min(max(DRAWING_MS // steps, 60), 300)
    first, *others = [frame.quantize(256, dither=Image.Dither.NONE) for frame in frames]
    return _saved(
        first,
        "GIF",
        save_all=True,
        append_images=others,
        duration=[milliseconds] * steps + [REST_MS],
        loop=0,
    )


def _saved(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _grid(images: Sequence[Image.Image]) -> Image.Image:
    """Images of one size in rows as long as the grid is high, on paper."""
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    width, height = images[0].width + GAP, images[0].height + GAP
    sheet = Image.new("RGB", (columns * width - GAP, rows * height - GAP), PAPER)
    for i, image in enumerate(images):
        sheet.paste(image, (i % columns * width, i // columns * height))
    return sheet


def _enlarged(pixels: np.ndarray) -> Image.Image:
    height, width = pixels.shape[:2]
    factor = _factor(pixels)
    image = Image.fromarray(np.ascontiguousarray(np.broadcast_to(pixels, (height, width, 3))))
    return image.resize((factor * width, factor * height), Image.Resampling.NEAREST)


def _factor(pixels: np.ndarray) -> int:
    """Width of one pixel when enlarged."""
    return max(1, SIDE // max(pixels.shape[:2]))


def _framed(drawing: Drawing, step: int) -> Image.Image:
    """A canvas with its window: from the middle of a pixel to the middle of another."""
    image = _enlarged(drawing.canvases[step])
    window = np.nan_to_num(drawing.windows[step])
    top, left, bottom, right = _factor(drawing.canvases[step]) * (window + 0.5)
    left, right = np.clip(sorted((left, right)), 2, image.width - 3)
    top, bottom = np.clip(sorted((top, bottom)), 2, image.height - 3)
    draw = ImageDraw.Draw(image)
    draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=HALO, width=4)
    draw.rectangle((left, top, right, bottom), outline=LINE, width=2)
    return image
