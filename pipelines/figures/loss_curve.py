"""The loss over the minutes of training: an SVG for a page, in the colours of the page's theme."""

import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

WIDTH, HEIGHT = 420, 270  # CSS pixels
FONT = 14  # CSS pixels
POINTS = 72  # an inch; a point of matplotlib's SVG is a pixel of the page

# Matplotlib draws in placeholder colours, which the page's CSS variables then replace: so the plot
# follows the page from light to dark.
COLOURS = {
    name: f"#0000{k:02x}"
    for k, name in enumerate(
        ("quiet", "line", "second", "accent", "third", "fourth", "fifth"), start=1
    )
}
LINES = {  # colour -> dashes in multiples of the line's width, which need no colour to be distinct
    "second": (0, (2.4, 1.6)),
    "accent": "solid",
    "third": (0, (4, 1.4)),
    "fourth": (0, (1, 1.4)),
    "fifth": (0, (4, 1.4, 1, 1.4)),
}


@dataclass(frozen=True)
class LossPlot:
    """A drawing of `width` x `height` CSS pixels."""

    width: int
    height: int
    content: str  # the elements inside <svg>


Series = Sequence[tuple[float, float]]  # minutes and losses


def loss_plot(
    history: Sequence[Mapping[str, float]], columns: Mapping[str, str]
) -> LossPlot | None:
    """The plot of some columns of a history over its minutes, on a logarithmic scale.

    Args:
        history: Rows with `seconds` and losses; losses that are not positive are left out.
        columns: Name of a curve -> its column.

    Returns:
        None if there is nothing to show.
    """
    return series_plot({name: series(history, column) for name, column in columns.items()})


def series(history: Sequence[Mapping[str, float]], column: str) -> Series:
    """One column of a history over its minutes, without losses that are not positive."""
    rows = ((row["seconds"] / 60, row.get(column, math.nan)) for row in history)
    return [(minute, loss) for minute, loss in rows if 0 < loss < math.inf]


def series_plot(named: Mapping[str, Series], width: int = WIDTH) -> LossPlot | None:
    """The plot of up to five series, each under its name.

    Args:
        named: Name -> positive losses over minutes; an empty series has no curve.
        width: Width of the drawing, CSS pixels.

    Returns:
        None if every series is empty.
    """
    curves = {name: points for name, points in named.items() if points}
    if not curves:
        return None
    figure = Figure((width / POINTS, HEIGHT / POINTS), layout="constrained", facecolor="none")
    axes = figure.subplots()
    for (name, points), (colour, dashes) in zip(curves.items(), LINES.items(), strict=False):
        _show_curve(axes, name, points, COLOURS[colour], dashes)
    _set_scales(axes, curves)
    _show_names(figure, axes)
    return LossPlot(width, HEIGHT, _svg_elements(figure))


def _show_curve(axes: Axes, name: str, points: Series, colour: str, dashes) -> None:
    """The curve, and a dot where it ends, which shows a curve of one point too."""
    minutes, losses = zip(*points, strict=True)
    axes.plot(
        minutes, losses, color=colour, linestyle=dashes, linewidth=2.2, label=name, clip_on=False
    )
    dot = [minutes[-1]] * 2, [losses[-1]] * 2
    axes.plot(*dot, color=colour, linewidth=6, solid_capstyle="round", clip_on=False)


def _set_scales(axes: Axes, curves: Mapping[str, Series]) -> None:
    values = [loss for points in curves.values() for _, loss in points]
    minutes = max(minute for points in curves.values() for minute, _ in points) or 1.0
    low, high = min(values) / 1.1, max(values) * 1.1
    axes.set(xlim=(0, minutes), yscale="log", ylim=(low, high))
    axes.set_xlabel("minutes", fontsize=FONT, color=COLOURS["quiet"])
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10)))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low > 4 else range(1, 10)))
    axes.yaxis.set_minor_locator(NullLocator())
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    axes.tick_params(left=False, bottom=False, labelsize=FONT, labelcolor=COLOURS["quiet"], pad=8)
    axes.grid(axis="y", color=COLOURS["line"], linewidth=1, clip_on=False)
    axes.set_axisbelow(True)
    axes.set_facecolor("none")
    axes.spines[:].set_visible(False)


def _show_names(figure: Figure, axes: Axes) -> None:
    """A legend beside the curves, in the order in which they end."""
    handles, _ = axes.get_legend_handles_labels()
    figure.legend(
        handles=sorted(handles, key=lambda line: -line.get_ydata()[-1]),
        loc="outside right upper",
        labelcolor="linecolor",
        fontsize=FONT,
        frameon=False,
        handlelength=1.8,
    )


def _svg_elements(figure: Figure) -> str:
    """What matplotlib draws, fit for several plots in a page.

    The page gives the frame and the font; identifiers would not be unique in it.
    """
    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        FigureCanvasSVG(figure).print_svg(file)
    svg = file.getvalue()
    elements = svg[svg.index('<g id="figure_1">') : svg.rindex("</svg>")]
    elements = re.sub(r' id="[^"]*"|<!--.*?-->| font-family: [^;"]*;', "", elements)
    for name, placeholder in COLOURS.items():
        elements = elements.replace(placeholder, f"var(--{name})")
    return elements
