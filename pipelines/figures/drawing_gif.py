"""A drawing as an animated GIF: the canvas at each step, with the write window as a frame."""

import io

import numpy as np
from PIL import Image, ImageDraw

from pipelines.figures.pixels import enlarged, magnification

SIDE = 256  # the longer side of the animation, pixels
SECONDS, REST = 2.4, 2.5  # seconds: of all steps together, then of the finished image
HALO, LINE = "#000000", "#ffffff"  # two lines: one of them is visible on any image


def animation(canvases: np.ndarray, windows: np.ndarray, side: int = SIDE) -> bytes:
    """A GIF in an endless loop: a frame for each step, then the image without a window.

    Args:
        canvases: uint8 [T, H, W, C], 1 or 3 channels.
        windows: float [T, 4]: top, left, bottom, right of the window, in pixels of the canvas.
        side: Longer side of the animation at most, pixels.
    """
    frames = [
        _frame(canvas, window, side) for canvas, window in zip(canvases, windows, strict=True)
    ]
    step = int(1000 * min(max(SECONDS / len(frames), 0.06), 0.3))
    file = io.BytesIO()
    _paletted(frames[0]).save(
        file,
        "GIF",
        save_all=True,
        append_images=[_paletted(frame) for frame in (*frames[1:], enlarged(canvases[-1], side))],
        duration=[step] * len(frames) + [int(1000 * REST)],
        loop=0,
    )
    return file.getvalue()


def _frame(canvas: np.ndarray, window: np.ndarray, side: int) -> Image.Image:
    frame = enlarged(canvas, side)
    draw = ImageDraw.Draw(frame)
    left, top, right, bottom = _box(window, magnification(canvas, side), frame.size)
    draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=HALO, width=4)
    draw.rectangle((left, top, right, bottom), outline=LINE, width=2)
    return frame


def _box(
    window: np.ndarray, factor: int, size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """The window on the enlarged frame, clipped to it: left, top, right, bottom.

    A window's edges are at the centres of pixels.
    """
    top, left, bottom, right = factor * (np.nan_to_num(window) + 0.5)
    width, height = size
    left, right = np.clip(sorted((left, right)), 2, width - 3)
    top, bottom = np.clip(sorted((top, bottom)), 2, height - 3)
    return left, top, right, bottom


def _paletted(frame: Image.Image) -> Image.Image:
    """The frame in a palette of 256 colours of its own, without dithering."""
    return frame.quantize(256, dither=Image.Dither.NONE)
