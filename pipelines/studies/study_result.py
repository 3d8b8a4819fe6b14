"""What comes out of a study: figures, a table and a text, with a JSON file beside the figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from t2i_tf.files import write_atomically
from t2i_tf.json_files import write_json


@dataclass(frozen=True)
class StudyOutput:
    """The output of a study before it is written."""

    title: str
    text: str  # the results in sentences, and what could not be measured
    table: Sequence[Mapping[str, Any]]  # rows with the same keys; texts, shares from 0 to 1, None
    figures: Mapping[str, Image.Image]  # by the name of the file, without its ending
    details: Mapping[str, Any] = field(default_factory=dict)  # further keys of the JSON


@dataclass(frozen=True)
class StudyResult:
    """The output of a study, and the files that hold it."""

    name: str
    title: str
    figures: tuple[Path, ...]  # PNG files
    table: Sequence[Mapping[str, Any]]
    text: str
    details: Mapping[str, Any]
    json: Path


def write_study(out: Path, name: str, output: StudyOutput, made: Mapping[str, Any]) -> StudyResult:
    """Write the figures and `NAME.json`.

    Args:
        out: Existing folder.
        name: Name of the study.
        output: What is written.
        made: System, data and settings of the study, for the JSON.

    Raises:
        OSError: the folder cannot be written.
    """
    figures = tuple(out / f"{stem}.png" for stem in output.figures)
    for path, figure in zip(figures, output.figures.values(), strict=True):
        write_atomically(path, lambda file, figure=figure: figure.save(file, "PNG"))
    path = out / f"{name}.json"
    content = {
        "study": name,
        "title": output.title,
        "text": output.text,
        "table": output.table,
        "figures": [figure.name for figure in figures],
    }
    write_json(path, content | dict(output.details) | {"made": made})
    return StudyResult(name, output.title, figures, output.table, output.text, output.details, path)
