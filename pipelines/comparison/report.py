"""The report of a comparison: one self-contained HTML file. It needs no TensorFlow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipelines.comparison import paper_results
from pipelines.comparison.state import ComparisonState
from pipelines.comparison.table_text import interval_text, value_text
from pipelines.comparison.tables import REFERENCE, Table
from pipelines.evaluation.estimate import in_digits
from pipelines.figures.loss_curve import LossPlot, series, series_plot
from pipelines.html_report.rendering import DASH, data_uri, render
from t2i_tf.files import write_atomically

TEMPLATE = Path(__file__).with_suffix(".html.j2")
SMALL, WIDE = 340, 660  # widths of plots, CSS pixels
# Curves of a run, as name -> column of its history: the first of these that the history has.
CURVES = (
    {"training": "bernoulli_above_floor", "validation": "val_bernoulli_above_floor"},
    {"training": "above_floor", "validation": "val_above_floor"},
    {"generator": "generator_loss", "discriminator": "discriminator_loss"},
    {"training": "word_nll", "validation": "val_word_nll"},
    {"training": "loss", "validation": "val_loss"},
)
QUANTITIES = {  # first column of the curves -> what they show
    "bernoulli_above_floor": "excess NLL, nats",
    "above_floor": "excess NLL, nats",
    "generator_loss": "adversarial losses, nats",
    "word_nll": "NLL, nats per word",
    "loss": "loss, nats",
}
EXCESS_NLL = ("val_bernoulli_above_floor", "val_above_floor")


class RunHistory(NamedTuple):
    """The history of a run."""

    name: str
    title: str
    rows: Sequence[Mapping[str, float]]  # rows of history.csv

    @property
    def columns(self) -> set[str]:
        """The columns that any row has."""
        return set().union(*self.rows)


class RunCurves(NamedTuple):
    """The learning curves of a run."""

    title: str
    quantity: str
    plot: LossPlot


class StudySection(NamedTuple):
    """A study as the report shows it."""

    title: str
    text: str
    table: Sequence[Mapping[str, Any]]
    figures: Sequence[bytes]  # PNG files


@dataclass(frozen=True)
class ReportData:
    """What the report shows."""

    state: ComparisonState
    data: Mapping[str, str]  # facts about the data, label -> text
    tables: Sequence[Table]
    runs: Sequence[RunHistory]
    captions: Sequence[str]  # captions of the sample grid
    splits: Sequence[str]  # the split of each caption
    samples: Mapping[str, Sequence[np.ndarray]]  # title -> an image per caption, uint8 [H, W, C]
    studied_system: str
    studies: Sequence[StudySection]
    budgets: str  # how long the systems were trained, in a sentence
    machines: Sequence[tuple[Sequence[str], Mapping[str, str]]]  # titles of runs, and their machine


def write_report(path: Path, data: ReportData) -> None:
    """Write the page, whole or not at all."""
    html = render_page(data).encode()
    write_atomically(path, lambda file: file.write(html))


def render_page(data: ReportData) -> str:
    """The page as HTML."""
    filters = {
        "value": value_text,
        "interval": interval_text,
        "date": date_text,
        "png_file": lambda content: data_uri("image/png", content),
        "cell_text": cell_text,
    }
    variables = {name: getattr(data, name) for name in data.__dataclass_fields__} | {
        "curves": [curves for run in data.runs if (curves := run_curves(run))],
        "validation_plot": validation_plot(data.runs),
        "paper": paper_results,
        "reference_row": REFERENCE,
    }
    return render(TEMPLATE, filters, variables)


def run_curves(run: RunHistory) -> RunCurves | None:
    """The learning curves of one run; None if it has no history."""
    curves = next((names for names in CURVES if run.columns.intersection(names.values())), None)
    if curves is None:
        return None
    plot = series_plot({name: series(run.rows, column) for name, column in curves.items()}, SMALL)
    return plot and RunCurves(run.title, QUANTITIES[next(iter(curves.values()))], plot)


def validation_plot(runs: Sequence[RunHistory]) -> LossPlot | None:
    """The validation curves of all runs with a bound, if there are several."""
    lines = {}
    for run in runs:
        column = next((name for name in EXCESS_NLL if name in run.columns), None)
        if column:
            lines[run.title] = series(run.rows, column)
    return series_plot(lines, WIDE) if len(lines) > 1 else None


def date_text(date: str) -> str:
    """A date in ISO 8601 as text.

    >>> date_text("2016-05-02T09:30:00+00:00")
    '2 May 2016, 09:30'
    """
    moment = datetime.fromisoformat(date)
    return f"{moment.day} {moment:%B %Y, %H:%M}"


def cell_text(value: Any) -> str:
    """A value of a study's table: numbers with three digits, a dash for None."""
    if value is None:
        return DASH
    return in_digits("{:.3f}", value) if isinstance(value, float) else str(value)
