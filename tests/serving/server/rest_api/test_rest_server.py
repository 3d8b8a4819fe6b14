"""The REST server in this process, in front of a slow manager: timeouts and shutdown."""

import socket
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.server.config.flags import parse
from serving.server.metrics import Metrics
from serving.server.request_log import RequestLog
from serving.server.rest_api.rest_server import RestServer
from tests.patience import PATIENCE
from tests.serving.server_process import free_port

SECONDS = 0.4


class SlowManager:
    """Answers a status after a while."""

    def __init__(self):
        self.asked = threading.Event()
        self.names: list[str] = []

    def statuses(self, spec) -> list:
        self.names.append(spec.name)
        self.asked.set()
        time.sleep(SECONDS)
        return []


def _start(*words: str) -> tuple[RestServer, SlowManager, str]:
    flags = parse([f"--rest_api_port={free_port()}", "--model_base_path=m", *words])
    metrics, manager = Metrics(), SlowManager()
    server = RestServer(flags, manager, RequestLog(metrics), metrics)
    server.start()
    return server, manager, f"http://127.0.0.1:{flags.rest_api_port}/v1/models/m"


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_slow_answer_is_a_timeout():
    server, _, url = _start("--rest_api_timeout_in_ms=50")
    assert _status(url) == 504
    server.stop()


def test_a_request_that_never_ends_is_a_timeout():
    server, _, url = _start("--rest_api_timeout_in_ms=50")
    host, port = url.split("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(b"POST /v1/models/m:predict HTTP/1.1\r\nHost: a\r\n")
        connection.sendall(b"Content-Length: 9\r\n\r\n{")
        assert connection.recv(100).startswith(b"HTTP/1.1 504")
    server.stop()


def _first_line(url: str, request: bytes) -> bytes:
    host, port = url.split("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(request)
        return connection.recv(12)


def test_a_body_that_says_it_is_too_long_is_refused_before_it_is_sent():
    server, _, url = _start("--max_request_bytes=100", "--rest_api_timeout_in_ms=600000")
    head = b"POST /v1/models/m:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n"
    assert _first_line(url, head) == b"HTTP/1.1 413"
    server.stop()


def test_a_client_that_sends_a_long_body_to_its_end_reads_why_it_is_refused():
    """It would fail to write, if the connection were closed in the middle."""
    server, _, url = _start("--max_request_bytes=100")
    size = 30_000_000  # more than the system keeps for a connection
    for length in (f"Content-Length: {size}", "Transfer-Encoding: chunked"):
        head = f"POST /v1/models/m:predict HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{length}"
        chunk = f"{size:x}\r\n" if "chunked" in length else ""
        request = f"{head}\r\n\r\n{chunk}".encode() + b" " * size
        assert _first_line(url, request) == b"HTTP/1.1 413"
    server.stop()


def test_the_name_of_a_model_is_what_its_address_says():
    server, manager, url = _start()
    for name in ("m%3Fx", "100%25", "%E7%8A%AC%20%23"):
        assert _status(url.removesuffix("m") + name) == 200
    assert manager.names == ["m?x", "100%", "犬 #"]
    server.stop()


def test_a_request_to_change_the_protocol_is_answered_as_any_other():
    server, _, url = _start()
    asked = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    asked += b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    head = b"GET /v1/models/m HTTP/1.1\r\nHost: a\r\n" + asked + b"\r\n"
    assert _first_line(url, head) == b"HTTP/1.1 200"
    server.stop()


def test_a_stopped_server_finishes_what_runs_and_refuses_the_rest():
    server, manager, url = _start()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_status, url)
        manager.asked.wait(PATIENCE)
        server.stop()
        assert running.result() == 200
    with pytest.raises(urllib.error.URLError):
        _status(url)
