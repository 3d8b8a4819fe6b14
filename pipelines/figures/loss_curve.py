"""The loss over time as coordinates, from which a page draws its curve."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.ticker import LogLocator, MaxNLocator

WIDTH, HEIGHT = 520, 308
LEFT, RIGHT, TOP, BOTTOM = 46, 90, 14, 48  # margins
LINE = 16  # of text


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Curve:
    """A line of the plot: its points, x and y from the upper left corner, first to last."""

    name: str
    points: tuple[tuple[float, float], ...]
    label_y: float  # the name's base line; names keep their distance


@dataclass(frozen=True)
class LossPlot:
    """Coordinates in a drawing of `width` x `height`; the axes cross at (`left`, `bottom`)."""

    curves: tuple[Curve, ...]
    x_ticks: tuple[Tick, ...]  # minutes
    y_ticks: tuple[Tick, ...]  # nats, logarithmic
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


Series = Sequence[tuple[float, float]]  # minutes and losses


def loss_plot(
    history: Sequence[Mapping[str, float]], columns: Mapping[str, str]
) -> LossPlot | None:
    """The plot of some columns of a history over its minutes, on a logarithmic scale.

    Args:
        history: rows with `seconds` and losses in nats; what is not positive is left out.
        columns: name of a curve -> its column.

    Returns:
        None where there is nothing to show.
    """
    return series_plot({name: series(history, column) for name, column in columns.items()})


def series(history: Sequence[Mapping[str, float]], column: str) -> Series:
    """One column of a history over its minutes; what is not positive is left out."""
    rows = ((row["seconds"] / 60, row.get(column, math.nan)) for row in history)
    return [(minute, loss) for minute, loss in rows if 0 < loss < math.inf]


def series_plot(
    named: Mapping[str, Series], width: int = WIDTH, right: int = RIGHT
) -> LossPlot | None:
    """The plot of several series, each under its name.

    Args:
        named: positive losses; an empty series has no curve.
        width: of the drawing.
        right: its margin, in which the names stand.

    Returns:
        None where every series is empty.
    """
    values = [loss for points in named.values() for _, loss in points]
    if not values:
        return None
    minutes = max(minute for points in named.values() for minute, _ in points) or 1.0
    low, high = min(values) / 1.1, max(values) * 1.1

    def x(minute: float) -> float:
        return round(LEFT + (width - LEFT - right) * minute / minutes, 1)

    def y(loss: float) -> float:
        share = math.log(high / loss) / math.log(high / low)
        return round(TOP + (HEIGHT - TOP - BOTTOM) * share, 1)

    lines = {
        name: tuple((x(minute), y(loss)) for minute, loss in points)
        for name, points in named.items()
        if points
    }
    labels = _apart({name: points[-1][1] + 4 for name, points in lines.items()})
    return LossPlot(
        curves=tuple(Curve(name, points, labels[name]) for name, points in lines.items()),
        x_ticks=tuple(Tick(x(t), f"{t:g}") for t in _ticks(MaxNLocator(5), 0, minutes)),
        y_ticks=tuple(Tick(y(t), f"{t:g}") for t in _ticks(_log_locator(low, high), low, high)),
        width=width,
        right=width - right,
    )


def _apart(places: Mapping[str, float]) -> dict[str, float]:
    """The places, moved down where they are nearer than a line of text to the one above.

    Where that leads below the axis, all are moved up as far.
    """
    apart: dict[str, float] = {}
    for name, at in sorted(places.items(), key=lambda place: place[1]):
        apart[name] = max([at, *(other + LINE for other in apart.values())])
    below = max(max(apart.values()) - (HEIGHT - BOTTOM + LINE), 0)
    return {name: at - below for name, at in apart.items()}


def _log_locator(low: float, high: float) -> LogLocator:
    """Labels at 1, 2 and 5 times powers of ten, at every digit where the range is narrow."""
    return LogLocator(subs=(1, 2, 5) if high / low > 4 else range(1, 10))


def _ticks(locator, low: float, high: float) -> list[float]:
    return [tick for tick in locator.tick_values(low, high) if low <= tick <= high]
