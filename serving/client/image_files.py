"""Image files of pixel arrays: a grid of images, a drawing as an animated GIF."""

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from serving.client.results import Drawing

SIDE = 256  # longer side of an enlarged image, pixels
GAP = 8  # pixels between the images of a grid
DRAWING_MS, REST_MS = 2_400, 2_500  # duration of the drawing, and of its last frame
PAPER, HALO, LINE = (
    "#fbfaf7",
    "#000000",
    "#ffffff",
)  # a light line in a dark one: visible on any image


def png_of_grid(images: Sequence[np.ndarray]) -> bytes:
    """A PNG of images uint8 [H, W, C], enlarged so that single pixels are visible."""
    return _saved(_grid([_enlarged(image) for image in images]), "PNG")


def gif_of_drawings(drawings: Sequence[Drawing]) -> bytes:
    """An endless GIF: a frame for each step with its write window, then the finished images."""
    steps = len(drawings[0].canvases)
    frames = [_grid([_framed(drawing, step) for drawing in drawings]) for step in range(steps)]
    frames.append(_grid([_enlarged(drawing.canvases[-1]) for drawing in drawings]))
    milliseconds = min(max(DRAWING_MS // steps, 60), 300)
    # Without dithering: noise around single pixels would look like part of the drawing.
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
    """Images of one size in a grid that is about square."""
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
    """Width of an enlarged pixel."""
    return max(1, SIDE // max(pixels.shape[:2]))


def _framed(drawing: Drawing, step: int) -> Image.Image:
    """A canvas with its write window, whose edges lie on the centres of pixels."""
    image = _enlarged(drawing.canvases[step])
    window = np.nan_to_num(drawing.windows[step])
    top, left, bottom, right = _factor(drawing.canvases[step]) * (window + 0.5)
    left, right = np.clip(sorted((left, right)), 2, image.width - 3)
    top, bottom = np.clip(sorted((top, bottom)), 2, image.height - 3)
    draw = ImageDraw.Draw(image)
    draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=HALO, width=4)
    draw.rectangle((left, top, right, bottom), outline=LINE, width=2)
    return image
