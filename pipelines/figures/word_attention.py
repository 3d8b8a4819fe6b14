"""The attention to each word at each step as a heat map, under the canvases of these steps."""

import io
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from PIL import Image

from pipelines.figures.lettering.fonts import is_plain
from pipelines.figures.lettering.glyphs import length, text_image
from pipelines.figures.pixels import INK, PAPER, picture

CANVASES = 12  # canvases shown, at most
STEP, WORD = 0.75, 0.3  # inches: width of a column, height of a row
LETTER = 0.1  # width of a letter, inches, roughly
RIGHT, TOP, BOTTOM = 0.9, 0.2, 0.6  # margins, inches
DPI, POINTS = 120, 72  # pixels and points of an inch
FONT = 11  # points
PIXELS = round(FONT * DPI / POINTS)


def alignment_figure(
    alignment: np.ndarray, words: Sequence[str], canvases: np.ndarray
) -> Image.Image:
    """The figure as an image.

    Args:
        alignment: float [T, N], each row sums to one.
        words: The N words of the caption.
        canvases: uint8 [T, H, W, C], 1 or 3 channels.

    Raises:
        ValueError: the shape of the alignment does not fit the words and canvases.
    """
    if alignment.shape != (len(canvases), len(words)) or not alignment.size:
        raise ValueError(
            f"Expected alignment [{len(canvases)}, {len(words)}] (steps, words), "
            f"got {list(alignment.shape)}."
        )
    steps, (height, width) = len(canvases), canvases.shape[1:3]
    stride = math.ceil(steps / CANVASES)
    columns = STEP * max(steps / stride, 4)
    figure, above, below = _axes(
        columns,
        upper=columns / steps * stride * height / width,
        lower=WORD * len(words),
        left=0.4 + max(map(_inches, words)),
    )
    _show_canvases(above, canvases, stride)
    _show_alignment(figure, below, alignment, words)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI, facecolor=PAPER)
    return Image.open(file).convert("RGB")


def _axes(width: float, upper: float, lower: float, left: float) -> tuple[Figure, Axes, Axes]:
    """A figure with two axes, one above the other; sizes in inches, `left` is a margin."""
    total = left + width + RIGHT, upper + lower + TOP + BOTTOM
    figure = Figure(total)
    FigureCanvasAgg(figure)
    places = GridSpec(
        2,
        1,
        figure,
        left=left / total[0],
        right=1 - RIGHT / total[0],
        top=1 - TOP / total[1],
        bottom=BOTTOM / total[1],
        height_ratios=(upper, lower),
        hspace=0.1 * 2 / (upper + lower),
    )
    return figure, figure.add_subplot(places[0]), figure.add_subplot(places[1])


def _show_canvases(axes: Axes, canvases: np.ndarray, stride: int) -> None:
    """Every stride-th canvas over the steps that led to it, the last canvas included."""
    steps, gap = len(canvases), 0.03 * stride
    for end in range(steps, stride - 1, -stride):
        extent = (end - stride + gap - 0.5, end - gap - 0.5, 0, 1)
        axes.imshow(picture(canvases[end - 1]), extent=extent, interpolation="nearest")
    axes.set(xlim=(-0.5, steps - 0.5), ylim=(0, 1), aspect="auto")
    axes.axis("off")


def _show_alignment(
    figure: Figure, axes: Axes, alignment: np.ndarray, words: Sequence[str]
) -> None:
    steps = len(alignment)
    heat = axes.imshow(alignment.T, cmap="Blues", vmin=0, aspect="auto", interpolation="nearest")
    plain = [word if is_plain(word) else "" for word in words]
    axes.set_yticks(range(len(words)), plain, fontsize=FONT, color=INK, parse_math=False)
    for row, word in enumerate(words):
        if not is_plain(word):
            _show_word(axes, row, word)
    ticks = range(steps - 1, -1, -math.ceil(steps / CANVASES))
    axes.set_xticks(ticks, [str(t + 1) for t in ticks], fontsize=9, color=INK)
    axes.set_xlabel("step", fontsize=10, color=INK)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(steps + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(words) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=PAPER, linewidth=1.5)
    axes.tick_params(which="minor", length=0)
    _show_scale(figure, axes, heat)


def _inches(word: str) -> float:
    """Room for a word at the left."""
    return LETTER * len(word) if is_plain(word) else length(word, PIXELS) / DPI


def _show_word(axes: Axes, row: int, word: str) -> None:
    """Draw a word that is not plain where the label of its row would be."""
    image = OffsetImage(np.asarray(text_image(word, PIXELS, INK)), zoom=POINTS / DPI)
    axes.add_artist(
        AnnotationBbox(
            image,
            (0, row),
            xybox=(-4, 0),
            xycoords=("axes fraction", "data"),
            boxcoords="offset points",
            box_alignment=(1, 0.5),
            pad=0,
            frameon=False,
            annotation_clip=False,
        )
    )


def _show_scale(figure: Figure, axes: Axes, heat) -> None:
    """Add the colour bar in the right margin."""
    place = axes.get_position()
    width = figure.get_figwidth()
    side = figure.add_axes((place.x1 + 0.12 / width, place.y0, 0.1 / width, place.height))
    bar = figure.colorbar(heat, cax=side)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=8, labelcolor=INK)
    bar.set_label("attention", fontsize=9, color=INK)
