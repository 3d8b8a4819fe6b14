"""What a study found: figures on disk, a table, and a text; kept as JSON beside the figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from t2i_tf.files import write_atomically
from t2i_tf.json_files import write_json


@dataclass(frozen=True)
class Finding:
    """What a study found, before it is written."""

    title: str
    text: str  # what came out, and what was left out and why
    table: Sequence[Mapping[str, Any]]  # rows of the same columns: words, shares from 0 to 1, None
    pictures: Mapping[str, Image.Image]  # name of the file, without its ending -> figure
    details: Mapping[str, Any] = field(default_factory=dict)  # more figures, for the JSON


@dataclass(frozen=True)
class StudyResult:
    """A finding, and where its figures are."""

    name: str
    title: str
    figures: tuple[Path, ...]  # PNG files
    table: Sequence[Mapping[str, Any]]
    text: str
    details: Mapping[str, Any]
    json: Path


def write_finding(out: Path, name: str, finding: Finding, made: Mapping[str, Any]) -> StudyResult:
    """Write the figures and `NAME.json` to a folder that is there.

    Args:
        made: how the finding came about.
    """
    figures = tuple(out / f"{stem}.png" for stem in finding.pictures)
    for path, picture in zip(figures, finding.pictures.values(), strict=True):
        write_atomically(path, lambda file, picture=picture: picture.save(file, "PNG"))
    path = out / f"{name}.json"
    told = {
        "study": name,
        "title": finding.title,
        "text": finding.text,
        "table": finding.table,
        "figures": [figure.name for figure in figures],
    }
    write_json(path, told | dict(finding.details) | {"made": made})
    return StudyResult(
        name, finding.title, figures, finding.table, finding.text, finding.details, path
    )
