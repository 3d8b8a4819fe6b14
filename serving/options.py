"""What each command accepts: dataclasses from which the flags and the help are made."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from serving.client.connection import Connection

_Flat = Annotated[Connection, arg(name="")]


@dataclass(frozen=True)
class Demo:
    """Export a run, serve it here, draw a caption over gRPC, and show the page."""

    workdir: Path = Path("runs/demo/run")
    """Work folder of a run; `python -m pipelines demo` leaves one here."""
    out: Path | None = None
    """Base path of the export; WORKDIR/../models/t2i where not given."""
    caption: str = "a stop sign is flying in blue skies"
    """What is drawn over gRPC."""
    seed: int = 0
    """Of that picture."""
    port: int = 8080
    """Port of the page; 0 takes a free one."""
    once: bool = False
    """End after the picture, without the page."""


@dataclass(frozen=True)
class Export:
    """Make a SavedModel of a run: the next version in OUT, checked before it appears."""

    workdir: Path
    """Work folder of a run."""
    out: Path
    """Base path of the model, with a folder for each version."""
    checkpoint: Literal["best", "last"] = "best"
    """By validation loss, or the newest."""
    sharpen: Path | None = None
    """Work folder of a sharpener: the model then gives each picture sharpened too."""


@dataclass(frozen=True)
class Check:
    """Check an export: operations, signatures, warm-up; as every export is."""

    version: Positional[Path]
    """Folder of a version, models/t2i/1 say."""


@dataclass(frozen=True)
class Serve:
    """Serve SavedModels where TensorFlow Serving's binary is missing; its flags and protocol."""


@dataclass(frozen=True)
class Query:
    """Draw a caption on a server: a grid of pictures, or the drawing as a GIF."""

    caption: Positional[str]
    """What to draw, in quotes."""
    n: int = 1
    """Pictures, with the seeds from `--seed` on."""
    seed: int = 0
    """The first picture's; a caption with a seed is one picture."""
    temperature: float = 1.0
    """Spread of the noise: 0 draws the mean, 1 as trained."""
    out: Path = Path("out.png")
    """PNG file for the pictures, side by side; one picture is written as the server sent it."""
    gif: Path | None = None
    """GIF file for the drawing, step by step, with the window that is written to."""
    connection: _Flat = field(default_factory=Connection)


@dataclass(frozen=True)
class Retrieve:
    """Rank the pictures of a folder by how likely each is under a caption, the likeliest first."""

    caption: Positional[str]
    """What to look for, in quotes."""
    pictures: Positional[Path]
    """Folder of PNG, JPEG, GIF, BMP or WebP files."""
    seed: int = 0
    """Of the noise with which the bound is estimated."""
    batch_size: int = 16
    """Pictures in a request."""
    top: int = 20
    """Lines of the table."""
    out: Path | None = None
    """JSON file for the whole ranking."""
    connection: _Flat = field(default_factory=Connection)


@dataclass(frozen=True)
class Web:
    """Serve the page that shows the drawing, for any server that speaks the protocol."""

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all."""
    port: int = 8080
    """Port of the page; 0 takes a free one."""
    connection: _Flat = field(default_factory=Connection)


@dataclass(frozen=True)
class Bench:
    """Time a server: latency, throughput, errors; beside it the bare Session."""

    caption: Positional[str] = "a stop sign is flying in blue skies"
    """What is drawn, each time with another seed."""
    clients: int = 8
    """Requests in flight at a time: each client waits for its answer (a closed loop)."""
    rate: float | None = None
    """Requests begun per second, whether answered or not (an open loop), at most `--clients` in
    flight; a request that has to wait for its turn is timed from when it was due."""
    n: int = 1
    """Pictures in a request."""
    requests: int = 400
    """End after so many requests, or ..."""
    seconds: float = 30.0
    """... after so long, whichever comes first."""
    warmup: int = 8
    """Requests before, which are not timed."""
    model_base_path: Path | None = None
    """Folder of numbered versions, or one version: time the same calls on a bare Session too."""
    out: Path | None = None
    """JSON file for the figures."""
    connection: _Flat = field(default_factory=Connection)
