"""Connections on which the client stops halfway are closed; patient and busy ones are not."""

import json
import socket
import threading
import time

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.server import addresses
from serving.server.rest_api.timed_connection import timed_connections
from tests.patience import PATIENCE

SECONDS = 0.7
LARGE = 20_000_000  # bytes, more than the buffers of sockets hold
HEAD = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"


async def _echo(request: Request) -> Response:
    return Response(await request.body())


async def _refuse(request: Request) -> Response:
    return Response(b"no", 413)


async def _large(request: Request) -> Response:
    return Response(bytes(LARGE))


@pytest.fixture(scope="module")
def address():
    routes = [Route("/echo", _echo, methods=["POST"]), Route("/large", _large)]
    routes.append(Route("/refuse", _refuse, methods=["POST"]))
    sockets = addresses.listen("127.0.0.1", 0, "--port")
    config = uvicorn.Config(
        Starlette(routes=routes), http=timed_connections(SECONDS), log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=(sockets,), daemon=True)
    thread.start()
    yield sockets[0].getsockname()
    server.should_exit = True
    thread.join(PATIENCE)


@pytest.fixture
def connection(address):
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        yield connection


def _seconds_until_closed(connection) -> float:
    start = time.monotonic()
    try:
        while connection.recv(65_536):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - start


def _read_until(connection, end: bytes) -> None:
    received = b""
    while end not in received:
        part = connection.recv(1_000)
        assert part, received
        received += part


def test_half_a_head_is_answered_with_408_and_closed(connection):
    connection.sendall(b"GET /echo HTTP/1.1\r\nHost:")
    answer = b""
    while part := connection.recv(1_000):
        answer += part
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert "Timed out" in json.loads(answer.partition(b"\r\n\r\n")[2])["error"]


def test_a_head_that_comes_letter_by_letter_is_closed_all_the_same(connection):
    start = time.monotonic()
    with pytest.raises(OSError):
        for letter in HEAD * 100:
            connection.sendall(bytes([letter]))
            time.sleep(SECONDS / 10)
    assert time.monotonic() - start < 5 * SECONDS


def test_a_connection_on_which_nothing_comes_is_closed(connection):
    assert SECONDS / 2 < _seconds_until_closed(connection) < 10 * SECONDS


def test_the_second_request_of_a_connection_has_the_limit_too(connection):
    connection.sendall(HEAD + b"abcd" + HEAD[:20])
    _read_until(connection, b"abcd")
    assert connection.recv(1_000).startswith(b"HTTP/1.1 408 ")
    assert _seconds_until_closed(connection) < 1


def test_the_rest_of_a_refused_body_is_not_awaited_for_ever(connection):
    connection.sendall(HEAD.replace(b"/echo", b"/refuse").replace(b": 4", b": 100000"))
    _read_until(connection, b"HTTP/1.1 413 ")
    start = time.monotonic()
    with pytest.raises(OSError):
        for _ in range(200):
            connection.sendall(b"x")
            time.sleep(SECONDS / 10)
    assert time.monotonic() - start < 5 * SECONDS


def test_an_answer_that_nobody_reads_is_given_up(connection):
    connection.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
    time.sleep(3 * SECONDS)
    received = 0
    try:
        while part := connection.recv(1_000_000):
            received += len(part)
    except ConnectionResetError:
        pass
    assert received < LARGE


def test_a_client_that_reads_slowly_gets_everything(connection):
    connection.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    received = 0
    while part := connection.recv(1_000_000):
        received += len(part)
        time.sleep(SECONDS / 20)
    assert received > LARGE


def test_requests_of_a_busy_connection_are_not_timed_together(connection):
    for _ in range(6):
        connection.sendall(HEAD + b"abcd")
        _read_until(connection, b"abcd")
        time.sleep(SECONDS / 3)
