"""The command `retrieve`: image retrieval with a generative model.

Images are ranked by the bound on log p(image | caption), the highest first.
"""

import json
import math
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving import contract
from serving.client.client import Client
from serving.client.connection import Connection
from serving.client.results import Metadata
from serving.errors import RequestError, ServingError
from serving.tools.output_files import check_outputs, write
from serving.tools.picture_file import SUFFIXES, ImageShape, read_png
from serving.tools.unknown_words import print_unknown_words

_MOST_SKIPPED_SHOWN = 10


def rank_images(
    connection: Connection,
    caption: str,
    pictures: Path,
    seed: int = 0,
    batch_size: int = 16,
    top: int = 20,
    out: Path | None = None,
) -> None:
    """Score every image of a folder, print the best, and write the whole ranking as JSON.

    Args:
        connection: The server and the model to ask.
        caption: The caption that the images are scored under.
        pictures: Folder of images, of any size: see `read_png`.
        seed: Seed of the noise with which the bound is estimated.
        batch_size: Images per request.
        top: Rows of the printed table.
        out: JSON file for the ranking.

    Raises:
        RequestError: the folder holds no image, a number is not positive, or `out` is no place for
            a file.
        ServingError: the model draws nothing, no image can be read or has a finite bound, or a
            request failed.
    """
    for flag, number in (("batch-size", batch_size), ("top", top)):
        if number < 1:
            raise RequestError(f"--{flag} must be at least 1, not {number}.")
    check_outputs(out=out)
    paths = _paths(pictures)
    with Client(**vars(connection)) as client:
        model = client.metadata()
        pngs, skipped = _read(paths, _image_shape(model))
        bounds = _bounds(client, list(pngs.values()), caption, seed, batch_size)
        ranking, no_rank = _ranked(dict(zip(pngs, bounds, strict=True)))
        skipped |= no_rank
        _print(ranking[:top], skipped)
        print_unknown_words(client, caption)
    if out:
        result = {
            "caption": caption,
            "model": model.model,
            "version": model.version,
            "seed": seed,
            "ranking": [{"file": path.name, "bound": bound} for bound, path in ranking],
            "skipped": [{"file": path.name, "reason": why} for path, why in skipped.items()],
        }
        write(out, json.dumps(result, indent=2).encode())


def _paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise RequestError(f"{folder} is not a folder.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise RequestError(
            f"{folder} holds no image. Expected files that end in {', '.join(sorted(SUFFIXES))}."
        )
    return paths


def _image_shape(model: Metadata) -> ImageShape:
    """The shape that the model draws, which is the shape that it scores. Raises ServingError."""
    try:
        shape = model.signatures[contract.DRAW.name].outputs[contract.IMAGE].shape
        image_shape = ImageShape(*json.loads(shape)[1:])
    except (KeyError, TypeError) as error:
        raise ServingError(f"{model.model} is not a text-to-image model.") from error
    if min(image_shape.height, image_shape.width) < 1 or image_shape.channels not in (1, 3):
        raise ServingError(
            f"{model.model} does not declare the size of its images: its signature has the shape "
            f"{shape}. Export the model again."
        )
    return image_shape


def _read(paths: list[Path], shape: ImageShape) -> tuple[dict[Path, bytes], dict[Path, str]]:
    """PNGs of the model's shape, and for the other files the reason why they were skipped."""
    pngs, skipped = {}, {}
    for path in paths:
        try:
            pngs[path] = read_png(path, shape)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            skipped[path] = str(error).replace(str(path), path.name)
    if not pngs:
        path, why = next(iter(skipped.items()))
        raise ServingError(f"None of {len(skipped)} images can be read; {path.name}: {why}")
    return pngs, skipped


def _bounds(
    client: Client, pngs: list[bytes], caption: str, seed: int, batch_size: int
) -> list[float]:
    """The bound of each image, nats."""
    bounds: list[float] = []
    for begin in range(0, len(pngs), batch_size):
        # The same seed for every image: all are scored with the same noise.
        bounds.extend(client.score(pngs[begin : begin + batch_size], caption, seed).tolist())
    return bounds


def _ranked(bounds: dict[Path, float]) -> tuple[list[tuple[float, Path]], dict[Path, str]]:
    """The images from the highest bound to the lowest; those whose bound is not finite, with it.

    Raises:
        ServingError: no image has a finite bound.
    """
    finite = [(bound, path) for path, bound in bounds.items() if math.isfinite(bound)]
    others = {path: f"its bound is {b}" for path, b in bounds.items() if not math.isfinite(b)}
    if not finite:
        raise ServingError(
            f"None of {len(bounds)} images has a finite bound: the weights of the model are "
            "damaged, or its training diverged."
        )
    return sorted(finite, key=lambda pair: (-pair[0], pair[1])), others


def _print(best: list[tuple[float, Path]], skipped: dict[Path, str]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    table = Table("rank", "bound, nats", "image")
    for rank, (bound, path) in enumerate(best, 1):
        table.add_row(str(rank), f"{bound:,.1f}", Text(path.name))  # its brackets are no markup
    console.print(table)
    for path, why in list(skipped.items())[:_MOST_SKIPPED_SHOWN]:
        console.print(f"skipped {path.name}: {why}", markup=False)
    if len(skipped) > _MOST_SKIPPED_SHOWN:
        console.print(f"and {len(skipped) - _MOST_SKIPPED_SHOWN} more")
