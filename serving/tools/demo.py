"""The served half of the demo: export, embedded server, a request over gRPC, the page."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from serving.client.client import Client
from serving.client.connection import Connection
from serving.errors import ServingError
from serving.options import Demo, Web
from serving.tools.output_files import write
from serving.web.command import listening, web

READY_SECONDS = 120.0


def demo(chosen: Demo) -> None:
    """Export the run, serve it, draw one caption over gRPC, then serve the page.

    Raises:
        ServingError: an export that does not check, or a server that does not start.
    """
    base = chosen.out or chosen.workdir.parent / "models" / "t2i"
    export_run(chosen.workdir, base)
    with embedded_server(base) as address, Client(address) as client:
        picture = base.parent / "over-grpc.png"
        drawing = client.draw(chosen.caption, n=1, seed=chosen.seed)[0]
        write(picture, drawing.png)
        print(f"Drawn over gRPC at {address}, {chosen.caption!r}, seed {chosen.seed}: {picture}")
        if chosen.once:
            print(
                f"See the drawing in a browser: python -m serving demo --workdir {chosen.workdir}"
            )
        else:
            web(Web(port=chosen.port, connection=Connection(server=address)))


def export_run(workdir: Path, base: Path) -> None:
    """Export in a process of its own, which gives TensorFlow's memory back when it ends."""
    command = [sys.executable, "-m", "serving", "export", "--workdir", str(workdir)]
    if subprocess.run([*command, "--out", str(base)]).returncode:
        raise ServingError(f"{workdir} could not be exported; the reason stands above.")


@contextmanager
def embedded_server(base: Path) -> Iterator[str]:
    """The address of an embedded server of `base`, which ends with the block."""
    with listening("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    flags = [f"--model_base_path={base.resolve()}", f"--port={port}", "--rest_api_port=0"]
    command = [sys.executable, "-m", "serving", "serve", *flags]
    address, log = f"127.0.0.1:{port}", base.parent / "server.log"
    with log.open("wb") as file:
        server = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        _wait(server, address, log)
        yield address
    finally:
        server.terminate()
        server.wait()


def _wait(server: subprocess.Popen, address: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with Client(address) as client:
        while time.monotonic() < deadline and server.poll() is None:
            with suppress(ServingError):  # not listening yet
                if any(version.state == "AVAILABLE" for version in client.status()):
                    return
            time.sleep(0.2)
    raise ServingError(f"The embedded server at {address} did not become ready; see {log}.")
