"""The loss of a training over its steps, with the best checkpoint marked: an image for a sheet."""

import io
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from pipelines.figures.pixels import INK, PAPER

SIZE, DPI = (8.0, 3.2), 100  # inches, pixels per inch
LINES = (("", "training", "#0072b2", (0, (4, 2))), ("val_", "validation", "#d55e00", "solid"))

NAMES = {"above_floor": "loss above the entropy of the pixels"}  # column -> name, if it differs


def training_curve(
    history: Sequence[Mapping[str, float]], measure: str, unit: str, best: int | None
) -> Image.Image:
    """The figure as an image.

    Args:
        history: Rows of `history.csv`, at least one.
        measure: Column that is shown, beside its validation.
        unit: Unit of the measure.
        best: Step of the best checkpoint; None for none.
    """
    figure = Figure(SIZE, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    steps = [row["step"] for row in history]
    for prefix, name, colour, dashes in LINES:
        if prefix + measure in history[0]:
            values = [row.get(prefix + measure, float("nan")) for row in history]
            axes.plot(
                steps, values, color=colour, linestyle=dashes, marker="o", markersize=3, label=name
            )
    if best in steps:
        axes.axvline(best, color=INK, linewidth=1, linestyle=(0, (1, 2)), label="best checkpoint")
    axes.set(xlabel="step", ylabel=f"{NAMES.get(measure, measure)}, {unit}")
    _plain(axes)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI, facecolor=PAPER)
    return Image.open(file).convert("RGB")


def _plain(axes: Axes) -> None:
    axes.set_facecolor(PAPER)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#c9c7c0")
    axes.tick_params(length=0, labelsize=9, labelcolor=INK)
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=INK, fontsize=9)
