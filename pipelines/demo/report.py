"""The demo's report: one self-contained page, and its numbers as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.evaluation.results import CaptionAccuracy
from pipelines.figures.drawing_gif import animation
from pipelines.figures.loss_curve import loss_plot
from pipelines.html_report.rendering import data_uri, render
from pipelines.sampling.sampler import Sample
from t2i_tf.files import write_atomically
from t2i_tf.json_files import write_json

TEMPLATE = Path(__file__).with_suffix(".html.j2")
CURVES = {"training": "above_floor", "validation": "val_above_floor"}
ATTRIBUTES = ("colour", "background", "object", "place")


@dataclass(frozen=True)
class Flip:
    """Captions that differ in a word or two, each drawn from the same seeds."""

    title: str
    rows: Sequence[Sequence[Sample]]  # [captions][seeds]


@dataclass(frozen=True)
class Provenance:
    """What made the drawings: model, data, machine, versions and commands."""

    preset: str
    training_steps: int
    training_seconds: float
    training_pictures: int
    cores: int
    versions: Mapping[str, str]  # library -> version
    stage_seconds: Mapping[str, float]  # stage of the demo -> seconds that it took in this call
    command: str
    next_commands: Mapping[str, str]  # purpose -> command


@dataclass(frozen=True)
class ReportFacts:
    """What the report shows."""

    opening: Sequence[Sample]  # held-out compositions; the first one's attention is shown
    flips: Sequence[Flip]
    seen: Sequence[Sample]  # compositions as in training
    held_out: Sequence[Sample]
    accuracy: CaptionAccuracy
    judged: int  # drawings behind `accuracy`
    history: Sequence[Mapping[str, float]]  # rows of history.csv
    provenance: Provenance


def write_report(folder: Path, facts: ReportFacts) -> Path:
    """Write `report.html` and `report.json`, each atomically; returns the page's path.

    The page contains its images and styles and loads nothing from elsewhere.
    """
    write_json(folder / "report.json", report_numbers(facts))
    path = folder / "report.html"
    html = render_page(facts).encode()
    write_atomically(path, lambda file: file.write(html))
    return path


def report_numbers(facts: ReportFacts) -> dict[str, Any]:
    """The numbers of `report.json`; an accuracy is a fraction, null where nothing was asked."""
    accuracy = facts.accuracy.fractions()
    return {
        "training_seconds": facts.provenance.training_seconds,
        "judge_accuracy": accuracy["judge"],
        "caption_accuracy": {kind: accuracy[kind] for kind in ("seen", "held_out")},
    }


def render_page(facts: ReportFacts) -> str:
    """The page as HTML."""
    variables = {name: getattr(facts, name) for name in facts.__dataclass_fields__} | {
        "accuracy": facts.accuracy.fractions(),
        "attributes": ATTRIBUTES,
        "plot": loss_plot(facts.history, CURVES),
    }
    return render(TEMPLATE, {"gif": gif_uri, "marked": marked_words}, variables)


def gif_uri(drawn: Sample) -> str:
    """The animation of a drawing, as a data URI."""
    return data_uri("image/gif", animation(drawn.canvases, drawn.windows))


def marked_words(rows: Sequence[Sequence[Sample]]) -> list[list[tuple[str, bool]]]:
    """The words of each row's caption, each with whether another row lacks it."""
    common = set.intersection(*(set(row[0].words) for row in rows))
    return [[(word, word not in common) for word in row[0].words] for row in rows]
