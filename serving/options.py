"""The options of each command: dataclasses from which the flags and the help are made."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from serving.client.connection import Connection

_Flat = Annotated[Connection, arg(name="")]  # `--server`, not `--connection.server`


@dataclass(frozen=True)
class Demo:
    """Export a run, serve it here, draw a caption over gRPC, and show the page."""

    workdir: str = "runs/demo/run"
    """Work folder of a run; `python -m pipelines demo` leaves one here.
    Or a preset, as for `export`."""
    out: Path | None = None
    """Base path of the export; WORKDIR/../models/t2i by default.
    Presets that are no folder need it."""
    caption: str = "a stop sign is flying in blue skies"
    """Caption to draw over gRPC."""
    seed: int = 0
    """Seed of that image."""
    port: int = 8080
    """Port of the page; 0 takes a free one."""
    once: bool = False
    """Stop after the image, without the page."""


@dataclass(frozen=True)
class Export:
    """Make a SavedModel of a run: the next version in OUT, checked before it appears."""

    workdir: str
    """Work folder of a run; or a folder of `save_to_preset`, a .keras file, the name of weights
    that ship, such as align-draw-scenes, or hf://user/name."""
    out: Path
    """Base path of the model, with a folder for each version."""
    checkpoint: Literal["best", "last"] = "best"
    """The best by validation loss, or the newest; presets have only one."""
    sharpen: str | None = None
    """Work folder or preset of a sharpener: the model then returns each image sharpened as well."""


@dataclass(frozen=True)
class Check:
    """Check an export again: operations, signatures, warm-up requests."""

    version: Positional[Path]
    """Folder of a version, such as models/t2i/1."""


@dataclass(frozen=True)
class Serve:
    """Serve SavedModels with TensorFlow Serving's protocol and flags, without its binary."""


@dataclass(frozen=True)
class Query:
    """Draw a caption on a server: a grid of images, or the drawing as a GIF."""

    caption: Positional[str]
    """What to draw, in quotes."""
    n: int = 1
    """Number of images, with the seeds SEED, SEED + 1, ..."""
    seed: int = 0
    """Seed of the first image; the same caption and seed give the same image."""
    temperature: float = 1.0
    """Scale of the noise: 0 draws the mean, 1 samples as in training."""
    guidance: float = 0.0
    """How far drawings go beyond the caption, away from what the model draws without one.
    0 is the caption alone; 0.5 to 2 show more of it and vary less; 4 overdoes it.
    Needs an export of a model that was trained with --caption-dropout."""
    instead_of: str = ""
    """Caption to move away from, in quotes, such as "a blue bus"; "" is the empty caption, as by
    default."""
    best_of: int = 1
    """Number of drawings of which each image is the one that fits its caption best, 1 to 64.
    The server chooses; its time grows with the number."""
    out: Path = Path("out.png")
    """PNG file for the images, side by side; a single image is written as the server sent it."""
    gif: Path | None = None
    """GIF file for the drawing, step by step, with the write window."""
    connection: _Flat = field(default_factory=Connection)


@dataclass(frozen=True)
class Retrieve:
    """Rank the images of a folder by their likelihood under a caption, the highest first."""

    caption: Positional[str]
    """What to look for, in quotes."""
    pictures: Positional[Path]
    """Folder of PNG, JPEG, GIF, BMP, WebP, TIFF or AVIF files."""
    seed: int = 0
    """Seed of the noise with which the bound is estimated."""
    batch_size: int = 16
    """Images per request."""
    top: int = 20
    """Rows of the printed table."""
    out: Path | None = None
    """JSON file for the whole ranking."""
    connection: _Flat = field(default_factory=Connection)


@dataclass(frozen=True)
class Web:
    """Serve a page that shows how captions are drawn, with any server that speaks the protocol."""

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all interfaces."""
    port: int = 8080
    """Port of the page; 0 takes a free one."""
    allowed_hosts: tuple[str, ...] = ()
    """Names that the page answers to besides localhost, HOST and addresses, for a proxy before it.
    By default no others, so that no site can read the page under a name of its own; but any where
    HOST is an address that other machines reach."""
    connection: _Flat = field(default_factory=Connection)


@dataclass(frozen=True)
class Bench:
    """Time a server: latency, throughput, errors; with the model alone as a baseline."""

    caption: Positional[str] = "a stop sign is flying in blue skies"
    """Caption to draw, with another seed in each request."""
    clients: int = 8
    """Most requests in flight. Without --rate each client waits for its answer: a closed loop."""
    rate: float | None = None
    """Requests to start per second, answered or not (an open loop).
    A request that must wait for a free client is timed from the moment it was due."""
    n: int = 1
    """Images per request."""
    guidance: float = 0.0
    """Guidance of the drawings, as for `query`; two drawings are made for one."""
    best_of: int = 1
    """Number of drawings of which each image is one, as for `query`; all are made and scored."""
    requests: int = 400
    """Stop after this many requests, or ..."""
    seconds: float = 30.0
    """... after this time, whichever comes first."""
    warmup: int = 8
    """Untimed requests beforehand."""
    model_base_path: Path | None = None
    """Folder of numbered versions, or one version, to measure a baseline.
    The same requests are timed in a Session of this process, without a server.
    In the JSON: `session_p50_ms`, and `ratio` relative to it."""
    out: Path | None = None
    """JSON file for the results."""
    connection: _Flat = field(default_factory=Connection)
