"""What requests share is made once, at the start or under a lock, not by whoever comes first."""

import ast
import threading
import urllib.request
from pathlib import Path

import grpc
import pytest
import uvicorn

from serving.client.client import Client
from serving.client.connection import Connection
from serving.server import addresses
from serving.server.metrics import Metrics
from serving.web.app import create_app
from tests.patience import PATIENCE

THREADS = 32
SERVING = Path(__file__).parents[2] / "serving"


def _at_once(action) -> list:
    """What `action` returns to threads that all call it at the same moment."""
    start, results = threading.Barrier(THREADS), []

    def call() -> None:
        start.wait(PATIENCE)
        results.append(action())

    threads = [threading.Thread(target=call) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return results


def _count_channels(monkeypatch, module) -> list[str]:
    made, make = [], module.insecure_channel

    def counted(target, *arguments):
        made.append(target)
        return make(target, *arguments)

    monkeypatch.setattr(module, "insecure_channel", counted)
    return made


def test_a_client_has_one_channel(monkeypatch, drawing_server):
    made = _count_channels(monkeypatch, grpc)
    with Client(drawing_server.address, timeout=PATIENCE) as client:
        pictures = _at_once(lambda: client.draw("a red bus", seed=1)[0].png)
    assert len(pictures) == THREADS and len(set(pictures)) == 1
    assert made == [drawing_server.address]


def test_a_page_has_one_channel(monkeypatch, drawing_server):
    made = _count_channels(monkeypatch, grpc.aio)
    sockets = addresses.listen("127.0.0.1", 0, "--port")
    app = create_app(Connection(drawing_server.address))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    thread = threading.Thread(target=server.run, args=(sockets,))
    thread.start()
    try:
        url = f"http://{addresses.bound(sockets[0])}/api/model"
        statuses = _at_once(lambda: urllib.request.urlopen(url, timeout=PATIENCE).status)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
    assert statuses == [200] * THREADS
    assert made == [drawing_server.address]


@pytest.mark.parametrize("repetition", range(5))
def test_no_first_count_of_the_metrics_is_lost(repetition):
    metrics = Metrics()

    def count() -> None:
        metrics.request("m", "Predict", "GRPC", "OK", 0.001)
        metrics.ran("m", "Predict", 0.001)

    _at_once(count)
    text = metrics.text().decode()
    assert f'request_count{{model_name="m",status="OK"}} {THREADS}' in text
    assert f'API="Predict",entrypoint="GRPC",model_name="m"}} {THREADS}' in text
    assert f'API="Predict",model_name="m",runtime="TF1"}} {THREADS}' in text


def test_nothing_in_serving_is_cached_without_a_lock():
    """functools' caches call the function in every thread that comes before the first is done."""
    for path in SERVING.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node, "id", getattr(node, "attr", ""))
            assert name not in ("lru_cache", "cache", "cached_property"), f"{path}: {name}"
