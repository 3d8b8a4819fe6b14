"""The command `retrieve`: image retrieval with a generative model.

A picture's rank is that of the bound on log p(picture | caption).
"""

import io
import json
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.table import Table

from serving import contract
from serving.client.client import Client
from serving.client.results import Metadata
from serving.errors import RequestError, ServingError
from serving.options import Retrieve
from serving.tools.output_files import write

_ENDINGS = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp"}
_SHOWN_SKIPPED = 10


@dataclass(frozen=True)
class Form:
    """Height, width and channels of the model's pictures."""

    height: int
    width: int
    channels: int


def retrieve(chosen: Retrieve) -> None:
    """Score every picture, print the best, write all as JSON. Raises ServingError."""
    if chosen.batch_size < 1:
        raise RequestError(f"--batch-size must be at least 1, not {chosen.batch_size}.")
    paths = _paths(chosen.pictures)
    with Client(**vars(chosen.connection)) as client:
        model = client.metadata()
        pngs, skipped = _read(paths, _form(model))
        bounds = _bounds(client, chosen, list(pngs.values()))
    ranking = sorted(zip(bounds, pngs, strict=True), key=lambda pair: (-pair[0], pair[1]))
    _print(ranking[: chosen.top], skipped)
    if chosen.out:
        result = {
            "caption": chosen.caption,
            "model": model.model,
            "version": model.version,
            "seed": chosen.seed,
            "ranking": [{"file": path.name, "bound": bound} for bound, path in ranking],
            "skipped": [{"file": path.name, "reason": why} for path, why in skipped.items()],
        }
        write(chosen.out, json.dumps(result, indent=2).encode())


def _paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise RequestError(f"{folder} is no folder.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _ENDINGS)
    if not paths:
        raise RequestError(f"{folder} holds no picture: {', '.join(sorted(_ENDINGS))} are read.")
    return paths


def _form(model: Metadata) -> Form:
    """What the model draws is what it scores. Raises ServingError."""
    try:
        shape = model.signatures[contract.DRAW.name].outputs[contract.IMAGE].shape
        form = Form(*json.loads(shape)[1:])
    except (KeyError, TypeError) as error:
        raise ServingError(f"{model.model} is no text-to-image model.") from error
    if min(form.height, form.width) < 1 or form.channels not in (1, 3):
        raise ServingError(f"{model.model} does not say how large its pictures are: {shape}.")
    return form


def _read(paths: list[Path], form: Form) -> tuple[dict[Path, bytes], dict[Path, str]]:
    """PNGs in the model's form, and why the others cannot be used."""
    pngs, skipped = {}, {}
    for path in paths:
        try:
            pngs[path] = _png(path, form)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            skipped[path] = str(error).replace(str(path), path.name)
    if not pngs:
        path, why = next(iter(skipped.items()))
        raise ServingError(f"None of {len(skipped)} pictures can be read; {path.name}: {why}")
    return pngs, skipped


def _png(path: Path, form: Form) -> bytes:
    with Image.open(path) as image:
        picture = image.convert("L" if form.channels == 1 else "RGB")
    file = io.BytesIO()
    picture.resize((form.width, form.height), Image.Resampling.LANCZOS).save(file, "PNG")
    return file.getvalue()


def _bounds(client: Client, chosen: Retrieve, pngs: list[bytes]) -> list[float]:
    bounds: list[float] = []
    for begin in range(0, len(pngs), chosen.batch_size):
        batch = pngs[begin : begin + chosen.batch_size]
        bounds.extend(client.score(batch, chosen.caption, chosen.seed).tolist())
    return bounds


def _print(best: list[tuple[float, Path]], skipped: dict[Path, str]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    table = Table("rank", "bound, nats", "picture")
    for rank, (bound, path) in enumerate(best, 1):
        table.add_row(str(rank), f"{bound:,.1f}", path.name)
    console.print(table)
    for path, why in list(skipped.items())[:_SHOWN_SKIPPED]:
        console.print(f"skipped {path.name}: {why}", markup=False)
    if len(skipped) > _SHOWN_SKIPPED:
        console.print(f"and {len(skipped) - _SHOWN_SKIPPED} more")
