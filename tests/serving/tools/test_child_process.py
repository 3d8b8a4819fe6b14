"""A command takes the processes that it started along, however it ends."""

import signal
import socket
import subprocess
import sys

import pytest

from serving.cli import main
from serving.tools.child_process import child_process
from tests.patience import PATIENCE, wait_until
from tests.serving.server_process import ROOT, free_port
from tests.serving.tools.test_demo import write_run

PARENT = """
import sys, time
from serving.tools.child_process import child_process, ended_by_signals

with ended_by_signals(), child_process(sys.argv[1:]):
    time.sleep(600)
"""
SERVER_PARENT = """
import sys, time
from pathlib import Path
from serving.tools.demo import embedded_server

with embedded_server(Path(sys.argv[1])) as address:
    print(address, flush=True)
    time.sleep(600)
"""
SIGNALS = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL]


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_child_ends_with_its_parent(number):
    port = free_port()
    command = [sys.executable, "-c", PARENT, "web", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as parent:
        try:
            wait_until(lambda: listens(port))
            parent.send_signal(number)
            parent.wait(PATIENCE)
        finally:
            parent.kill()
        wait_until(lambda: not listens(port))
    expected = 128 + number if number in (signal.SIGTERM, signal.SIGHUP) else -number
    assert parent.returncode == expected


@pytest.mark.slow
def test_a_server_ends_with_a_parent_that_is_killed(drawing_models):
    command = [sys.executable, "-c", SERVER_PARENT, str(drawing_models)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        try:
            port = int(parent.stdout.readline().rpartition(":")[2])
            assert listens(port)
        finally:
            parent.kill()
        wait_until(lambda: not listens(port))


@pytest.mark.usefixtures("default_signals")
@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
def test_the_demo_ends_with_its_server_and_its_page(number, tmp_path):
    write_run(tmp_path / "run")
    port = free_port()
    flags = ["--workdir", str(tmp_path / "run"), "--port", str(port), "--caption", "a red bus"]
    command = [sys.executable, "-m", "serving", "demo", *flags]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo:
        try:
            server = int(_line(demo, "Drawn over gRPC at").split(",")[0].rpartition(":")[2])
            _line(demo, "Open http")
            assert listens(port) and listens(server)
            demo.send_signal(number)
            demo.wait(PATIENCE)
        finally:
            demo.kill()
        wait_until(lambda: not listens(server) and not listens(port))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_export_ends_with_the_demo_and_leaves_nothing(number, tmp_path):
    write_run(tmp_path / "run")
    command = [sys.executable, "-m", "serving", "demo", "--workdir", str(tmp_path / "run")]
    base_path = tmp_path / "models" / "t2i"
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as demo:
        try:
            wait_until(lambda: base_path.is_dir() and any(base_path.iterdir()))
            demo.send_signal(number)
            demo.wait(PATIENCE)
        finally:
            demo.kill()
    wait_until(lambda: not list(base_path.iterdir()))


def _line(process, start):
    return next(line for line in process.stdout if line.startswith(start))


def test_a_command_that_fails_in_a_child_is_a_failure(tmp_path):
    with child_process(["check", str(tmp_path)], stderr=subprocess.PIPE) as child:
        assert b"not a SavedModel" in child.stderr.read()
        assert child.wait() == main(["check", str(tmp_path)]) == 1
