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

    def statuses(self, spec) -> list:
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


def test_a_stopped_server_finishes_what_runs_and_refuses_the_rest():
    server, manager, url = _start()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_status, url)
        manager.asked.wait(PATIENCE)
        server.stop()
        assert running.result() == 200
    with pytest.raises(urllib.error.URLError):
        _status(url)
