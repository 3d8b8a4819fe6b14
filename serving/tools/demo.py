"""The served half of the demo: export, embedded server, a request over gRPC, the page."""

import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from serving.client.client import Client
from serving.client.connection import Connection
from serving.errors import RequestError, ServingError
from serving.server import addresses
from serving.tools.child_process import child_process, ended_by_signals
from serving.tools.output_files import write
from serving.tools.unknown_words import print_unknown_words
from serving.typed_form import as_typed
from serving.web.command import listening, web

READY_SECONDS = 120.0


def demo(
    workdir: str | Path,
    out: Path | None = None,
    caption: str = "a stop sign is flying in blue skies",
    seed: int = 0,
    port: int = 8080,
    once: bool = False,
) -> None:
    """Export a run, serve it, draw one caption over gRPC, then serve the page.

    Args:
        workdir: Work folder of the run, or a preset.
        out: Base path of the export; `WORKDIR/../models/t2i` by default.
        caption: What is drawn over gRPC.
        seed: Seed of that image.
        port: Port of the page; 0 takes a free one.
        once: Return after the image, without the page.

    Raises:
        RequestError: the preset is no folder, beside which the export could go, and there is no
            `out`; or there is no such port.
        ServingError: the export fails its checks, the server does not start, or the port is taken.
    """
    base_path = out or _beside(workdir)
    if not once:  # the export takes minutes, and the page comes last
        addresses.close(listening("127.0.0.1", port))
    with ended_by_signals():
        export_run(workdir, base_path)
        with embedded_server(base_path) as address, Client(address) as client:
            image_path = base_path.parent / "over-grpc.png"
            picture = client.draw(caption, n=1, seed=seed)[0]
            write(image_path, picture.png)
            print(f"Drawn over gRPC at {address}, {caption!r}, seed {seed}: {image_path}")
            print_unknown_words(client, caption)
            if once:
                again = as_typed("python -m serving demo")
                words = ["--workdir", str(workdir), *(["--out", str(out)] if out else [])]
                print(f"See the drawing in a browser: {again} {shlex.join(words)}")
            else:
                web(Connection(server=address), port=port)


def _beside(workdir: str | Path) -> Path:
    """The base path of an export beside a folder."""
    if not Path(workdir).is_dir():
        raise RequestError(
            f"{workdir} is no folder, beside which the export could go: give --out, its base path;"
            " or --workdir, the folder of a run."
        )
    return Path(workdir).parent / "models" / "t2i"


def export_run(workdir: str | Path, base_path: Path) -> None:
    """Export in another process, so that TensorFlow's memory is free once the server starts."""
    words = ["export", "--workdir", str(workdir), "--out", str(base_path)]
    with child_process(words) as process:
        if process.wait():
            raise ServingError(f"{workdir} could not be exported; the reason is printed above.")


@contextmanager
def embedded_server(base_path: Path) -> Iterator[str]:
    """The address of an embedded server of `base_path`, which stops when the block ends."""
    (probe,) = listening("127.0.0.1", 0)
    with probe:
        port = probe.getsockname()[1]
    flags = [f"--model_base_path={base_path.resolve()}", f"--port={port}", "--rest_api_port=0"]
    flags += ["--shutdown_delay_seconds=0"]  # no load balancer has to notice
    address, log = f"127.0.0.1:{port}", base_path.parent / "server.log"
    with (
        log.open("wb") as file,
        child_process(["serve", *flags], stdout=file, stderr=file) as server,
    ):
        _wait_until_ready(server, address, log)
        yield address


def _wait_until_ready(server: subprocess.Popen, address: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with Client(address) as client:
        while time.monotonic() < deadline and server.poll() is None:
            with suppress(ServingError):  # the server does not listen yet
                if any(version.state == "AVAILABLE" for version in client.status()):
                    return
            time.sleep(0.2)
    raise ServingError(f"The embedded server at {address} did not become ready; see {log}.")
