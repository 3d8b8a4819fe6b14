"""Attention over words by step: how far from uniform, and on which kinds of words."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from pipelines.figures.pixels import INK, PAPER

SIZE, DPI = (8.6, 6.6), 120  # inches, pixels per inch
COLOURS = {  # of the classes, from the colour-blind safe palette of Okabe and Ito (2008)
    "object": "#0072b2",
    "colour": "#d55e00",
    "place": "#009e73",
    "background": "#cc79a7",
    "verb": "#e69f00",
    "other": "#56b4e9",
    "function": "#9aa0a6",
    "punctuation": "#d3d5d8",
}


def attention_curves(
    entropy: np.ndarray, classes: Mapping[str, np.ndarray], uniform: Mapping[str, float]
) -> Image.Image:
    """The figure as an image.

    Args:
        entropy: [captions, T], entropy of the attention over that of uniform attention, 0 to 1.
        classes: Name of a word class -> its share of the attention at each step, [T].
        uniform: Name of a word class -> its share of the words.
    """
    figure = Figure(SIZE, facecolor=PAPER)
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, height_ratios=(1, 1.25))
    figure.subplots_adjust(left=0.085, right=0.8, top=0.94, bottom=0.085, hspace=0.42)
    _show_entropy(above, entropy)
    _show_classes(below, classes, uniform)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI, facecolor=PAPER)
    return Image.open(file).convert("RGB")


def _show_entropy(axes: Axes, entropy: np.ndarray) -> None:
    steps = np.arange(1, entropy.shape[1] + 1)
    low, high = np.quantile(entropy, (0.1, 0.9), axis=0)
    axes.axhline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.fill_between(steps, low, high, color="#0072b2", alpha=0.18, linewidth=0)
    axes.plot(steps, entropy.mean(0), color="#0072b2", linewidth=2, marker="o", markersize=4)
    axes.set(ylim=(0, 1.06), xlim=(0.4, len(steps) + 1.9), ylabel="entropy / log N")
    axes.set_title(
        "How evenly attention spreads over the words: mean and central 80 % of captions",
        loc="left",
        fontsize=11,
        color=INK,
    )
    notes = {"uniform": (1, INK), "mean": (entropy.mean(0)[-1], "#0072b2")}
    if notes["uniform"][0] - notes["mean"][0] < 0.12:  # the labels would overlap
        notes["mean"] = (notes["uniform"][0] - 0.12, "#0072b2")
    for name, (y, colour) in notes.items():
        axes.annotate(
            name, (1.01, y), xycoords=("axes fraction", "data"), va="center", color=colour,
            fontsize=9,
        )  # fmt: skip
    _plain(axes, _ticks(len(steps)), {})


def _show_classes(
    axes: Axes, classes: Mapping[str, np.ndarray], uniform: Mapping[str, float]
) -> None:
    """A bar for each step and, after a gap, one for uniform attention."""
    steps = len(next(iter(classes.values())))
    places = np.append(np.arange(1, steps + 1), steps + 1.5)
    bottom = np.zeros(steps + 1)
    for name, share in classes.items():
        height = np.append(share, uniform[name])
        axes.bar(places, height, 0.86, bottom, color=COLOURS[name], edgecolor=PAPER, label=name)
        bottom += height
    axes.set(ylim=(0, 1), xlim=(0.4, steps + 2.1), ylabel="share of the attention", xlabel="step")
    axes.set_title("Which kinds of words the attention is on", loc="left", fontsize=11, color=INK)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False,
        fontsize=9, labelcolor=INK,
    )  # fmt: skip
    _plain(axes, _ticks(steps), {steps + 1.5: "uniform"})


def _ticks(steps: int) -> Sequence[int]:
    """At most 16 steps, the last one included."""
    return range(steps, 0, -max(1, -(-steps // 16)))


def _plain(axes: Axes, ticks: Sequence[int], more: Mapping[float, str]) -> None:
    axes.set_facecolor(PAPER)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#c9c7c0")
    axes.tick_params(length=0, labelsize=9, labelcolor=INK)
    axes.set_xticks([*ticks, *more], [*map(str, ticks), *more.values()])
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=INK, fontsize=9)
