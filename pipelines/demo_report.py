"""The demo's report: one page that needs nothing beside itself, and its figures as JSON."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from pipelines.data.json_files import write_json
from pipelines.drawing.animation import animation
from pipelines.drawing.drawer import Drawn
from pipelines.drawing.pictures import picture
from pipelines.evaluation.caption_accuracy import CaptionAccuracy
from pipelines.loss_curve import loss_plot
from t2i_tf.files import write_atomically

TEMPLATE = Path(__file__).with_suffix(".html.j2")
CURVES = {"training": "above_floor", "validation": "val_above_floor"}
ATTRIBUTES = ("colour", "background", "object", "place")


@dataclass(frozen=True)
class Flip:
    """Captions that differ in a word or two, each drawn from the same seeds."""

    title: str
    rows: Sequence[Sequence[Drawn]]  # [captions][seeds]


@dataclass(frozen=True)
class Making:
    """How the pictures came about."""

    preset: str
    training_steps: int
    training_seconds: float
    training_pictures: int
    cores: int
    versions: Mapping[str, str]  # library -> version
    took: Mapping[str, float]  # part of the demo -> seconds, as of this run
    command: str
    next_commands: Mapping[str, str]  # what it is for -> command


@dataclass(frozen=True)
class ReportFacts:
    """What the report shows."""

    unseen: Sequence[Drawn]  # of compositions that training never showed; they open the page
    explained: Drawn  # its alignment is shown
    flips: Sequence[Flip]
    seen: Sequence[Drawn]
    held_out: Sequence[Drawn]
    accuracy: CaptionAccuracy
    judged: int  # drawn pictures behind `accuracy`
    history: Sequence[Mapping[str, float]]  # rows of history.csv
    making: Making


def write_report(folder: Path, facts: ReportFacts) -> Path:
    """Write `report.html` and `report.json`, each whole or not at all; returns the page's path.

    The page holds its pictures and styles itself and asks no other host for anything.
    """
    write_json(folder / "report.json", report_figures(facts))
    path = folder / "report.html"
    html = render_page(facts).encode()
    write_atomically(path, lambda file: file.write(html))
    return path


def report_figures(facts: ReportFacts) -> dict[str, Any]:
    """The figures of `report.json`; accuracies are fractions, null where nothing was asked."""
    accuracy = asdict(facts.accuracy)
    return {
        "training_seconds": facts.making.training_seconds,
        "judge_accuracy": accuracy.pop("judge"),
        "caption_accuracy": accuracy,
    }


def render_page(facts: ReportFacts) -> str:
    """The page as HTML."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FileSystemLoader(TEMPLATE.parent),
    )
    environment.filters |= {
        "png": png_uri,
        "gif": gif_uri,
        "percent": percent,
        "duration": duration,
        "marked": marked_words,
    }
    return environment.get_template(TEMPLATE.name).render(
        **{name: getattr(facts, name) for name in facts.__dataclass_fields__},
        attributes=ATTRIBUTES,
        plot=loss_plot(facts.history, CURVES),
    )


def png_uri(pixels: np.ndarray) -> str:
    """A picture uint8 [H, W, C] as a data URI."""
    file = io.BytesIO()
    picture(pixels).save(file, "PNG", optimize=True)
    return _uri("image/png", file.getvalue())


def gif_uri(drawn: Drawn) -> str:
    """A drawing, step by step, as a data URI."""
    return _uri("image/gif", animation(drawn.canvases, drawn.windows))


def percent(fraction: float) -> str:
    """A fraction in per cent, a dash where it is NaN."""
    return "–" if math.isnan(fraction) else f"{100 * fraction:.1f}\N{NO-BREAK SPACE}%"


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(7.26), duration(272.4)
    ('7.3 s', '4 min 32 s')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def marked_words(rows: Sequence[Sequence[Drawn]]) -> list[list[tuple[str, bool]]]:
    """The words of each row's caption, and whether some other row lacks the word."""
    common = set.intersection(*(set(row[0].words) for row in rows))
    return [[(word, word not in common) for word in row[0].words] for row in rows]


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
