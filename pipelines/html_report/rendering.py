"""Renders a page from its template, and formats numbers and images for it.

A page's template includes `style.css` and imports from `parts.html.j2`, both in this folder. The
page is self-contained: it loads nothing from elsewhere.
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
    """Render a template to HTML.

    Args:
        template: File of the template.
        filters: Filters of this template, in addition to `png`, `percent` and `duration`.
        facts: Variables of the template.

    Raises:
        jinja2.UndefinedError: the template uses a variable that is not in `facts`.
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
    """An image uint8 [H, W, C] as the data URI of a PNG."""
    file = io.BytesIO()
    picture(pixels).save(file, "PNG", optimize=True)
    return data_uri("image/png", file.getvalue())


def data_uri(kind: str, content: bytes) -> str:
    """The content of a file as a data URI.

    Args:
        kind: Media type, such as "image/png".
        content: Bytes of the file.
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def percent(fraction: float) -> str:
    """A fraction as a percentage; a dash for NaN."""
    return DASH if math.isnan(fraction) else f"{100 * fraction:.1f}\N{NO-BREAK SPACE}%"


def duration(seconds: float) -> str:
    """Seconds as text.

    >>> duration(7.26), duration(272.4)
    ('7.3 s', '4 min 32 s')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
