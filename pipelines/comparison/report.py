"""The page of a comparison: one file that needs nothing beside itself. It needs no TensorFlow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipelines.comparison import paper_results
from pipelines.comparison.state import Record
from pipelines.comparison.tables import REAL, Table, interval_text, value_text
from pipelines.figures.loss_curve import LossPlot, series, series_plot
from pipelines.html_report.rendering import DASH, data_uri, render
from t2i_tf.files import write_atomically

TEMPLATE = Path(__file__).with_suffix(".html.j2")
SMALL, WIDE = 340, 660  # widths of plots, CSS pixels
# What a run is judged by: the first of these that its history has, as curve -> column.
CURVES = (
    {"training": "bernoulli_above_floor", "validation": "val_bernoulli_above_floor"},
    {"training": "above_floor", "validation": "val_above_floor"},
    {"generator": "generator_loss", "discriminator": "discriminator_loss"},
    {"training": "word_nll", "validation": "val_word_nll"},
    {"training": "loss", "validation": "val_loss"},
)
MEANINGS = {
    "bernoulli_above_floor": "nats above the floor",
    "above_floor": "nats above the floor",
    "generator_loss": "losses of the two players, nats",
    "word_nll": "nats a word",
    "loss": "loss, nats",
}
ABOVE_FLOOR = ("val_bernoulli_above_floor", "val_above_floor")


class Shown(NamedTuple):
    """A run of the comparison."""

    name: str
    title: str
    history: Sequence[Mapping[str, float]]  # rows of history.csv


class StudyShown(NamedTuple):
    """A study: its text, its table and its figures."""

    title: str
    text: str
    table: Sequence[Mapping[str, Any]]
    figures: Sequence[bytes]  # PNG files


@dataclass(frozen=True)
class ReportFacts:
    """What the report shows."""

    record: Record
    data: Mapping[str, str]  # what -> in words
    tables: Sequence[Table]
    runs: Sequence[Shown]
    captions: Sequence[str]  # of the pictures side by side
    splits: Sequence[str]  # where each is from
    pictures: Mapping[str, Sequence[np.ndarray]]  # row -> a picture a caption, uint8 [H, W, C]
    studied: str  # the system that the studies are of
    studies: Sequence[StudyShown]
    budgets: str  # how long the systems were trained, in words
    machines: Sequence[tuple[Sequence[str], Mapping[str, str]]]  # titles of runs, on what


class Curves(NamedTuple):
    """The curves of a run."""

    title: str
    meaning: str
    plot: LossPlot


def write_report(path: Path, facts: ReportFacts) -> None:
    """Write the page, whole or not at all."""
    html = render_page(facts).encode()
    write_atomically(path, lambda file: file.write(html))


def render_page(facts: ReportFacts) -> str:
    """The page as HTML."""
    own = {
        "value": value_text,
        "interval": interval_text,
        "date": date_in_words,
        "png_file": lambda content: data_uri("image/png", content),
        "figure": figure_in_words,
    }
    variables = {name: getattr(facts, name) for name in facts.__dataclass_fields__} | {
        "curves": [curves for run in facts.runs if (curves := run_curves(run))],
        "together": curves_together(facts.runs),
        "paper": paper_results,
        "real_row": REAL,
    }
    return render(TEMPLATE, own, variables)


def run_curves(run: Shown) -> Curves | None:
    """The curves of one run, None where it has no history."""
    known = set().union(*(row.keys() for row in run.history))
    columns = next((names for names in CURVES if known.intersection(names.values())), None)
    if columns is None:
        return None
    lines = {name: series(run.history, column) for name, column in columns.items()}
    plot = series_plot(lines, SMALL)
    return plot and Curves(run.title, MEANINGS[next(iter(columns.values()))], plot)


def curves_together(runs: Sequence[Shown]) -> LossPlot | None:
    """Of all runs with a bound, what validation says, in one plot."""
    lines = {}
    for run in runs:
        known = set().union(*(row.keys() for row in run.history))
        column = next((name for name in ABOVE_FLOOR if name in known), None)
        if column:
            lines[run.title] = series(run.history, column)
    return series_plot(lines, WIDE) if len(lines) > 1 else None


def date_in_words(moment: str) -> str:
    """A date of the record.

    >>> date_in_words("2016-05-02T09:30:00+00:00")
    '2 May 2016, 09:30'
    """
    date = datetime.fromisoformat(moment)
    return f"{date.day} {date:%B %Y, %H:%M}"


def figure_in_words(value: Any) -> str:
    """What a study's table holds, in words: shares, counts, words."""
    if value is None:
        return DASH
    return f"{value:.3f}" if isinstance(value, float) else str(value)
