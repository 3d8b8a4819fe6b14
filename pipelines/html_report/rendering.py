"""A page from its template, and numbers and pictures as it shows them.

Beside a page's own template there are `style.css`, which it includes, and `parts.html.j2`, from
which it imports. The page holds all of it itself and asks no other host for anything.
"""

import base64
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from pipelines.figures.pixels import picture

PARTS = Path(__file__).parent
DASH = "–"


def render(template: Path, filters: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """The page of a template as HTML.

    Args:
        template: its file.
        filters: the template's own, beside `png`, `percent` and `duration`.
        facts: its variables; one that it needs and does not get is an error.
    """
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FileSystemLoader([template.parent, PARTS]),
    )
    environment.filters |= {"png": png_uri, "percent": percent, "duration": duration, **filters}
    return environment.get_template(template.name).render(**facts)


def png_uri(pixels: np.ndarray) -> str:
    """A picture uint8 [H, W, C] as a data URI."""
    file = io.BytesIO()
    picture(pixels).save(file, "PNG", optimize=True)
    return data_uri("image/png", file.getvalue())


def data_uri(kind: str, content: bytes) -> str:
    """A file's content, of a media type, in a page."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def percent(fraction: float) -> str:
    """A fraction in per cent, a dash where it is NaN."""
    return DASH if math.isnan(fraction) else f"{100 * fraction:.1f}\N{NO-BREAK SPACE}%"


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(7.26), duration(272.4)
    ('7.3 s', '4 min 32 s')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
