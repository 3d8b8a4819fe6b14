"""Where the page listens, and connections on which half a request comes."""

import asyncio

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from serving.errors import ServingError
from serving.server import addresses
from serving.web import command, security
from serving.web.command import listening


@pytest.mark.parametrize(
    ("host", "port", "reason"),
    [
        ("no.such.invalid", 0, "--host no.such.invalid is not an address"),
        ("192.0.2.1", 0, "--host is not an address of this machine"),
        ("127.0.0.1", 70_000, "--port: expected a port from 0 to 65535, got 70000"),
        ("127.0.0.1", -1, "--port: expected a port from 0 to 65535, got -1"),
    ],
)
def test_each_reason_why_it_cannot_listen(host, port, reason):
    with pytest.raises(ServingError, match=reason):
        listening(host, port)


@pytest.mark.parametrize(
    ("host", "allowed", "names"),
    [
        ("127.0.0.1", (), {"localhost", "127.0.0.1"}),
        ("localhost", ("Draw.example.org",), {"localhost", "draw.example.org"}),
        ("0.0.0.0", (), None),
        ("0.0.0.0", ("draw.example.org",), {"localhost", "0.0.0.0", "draw.example.org"}),
    ],
)
def test_the_names_of_the_page(host, allowed, names):
    sockets = listening(host, 0)
    try:
        assert command.host_names(sockets, host, allowed) == names
    finally:
        addresses.close(sockets)


def test_a_port_in_use():
    sockets = listening("127.0.0.1", 0)
    try:
        port = addresses.bound(sockets[0]).port
        with pytest.raises(ServingError, match=f"127.0.0.1:{port}: the port is in use"):
            listening("127.0.0.1", port)
    finally:
        addresses.close(sockets)


def test_a_body_that_does_not_arrive_is_not_awaited_for_ever(monkeypatch):
    monkeypatch.setattr(security, "REQUEST_SECONDS", 0.1)

    async def receive():
        await asyncio.sleep(60)

    headers = [(b"content-type", b"application/json")]
    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    with pytest.raises(HTTPException) as error:
        asyncio.run(security.json_body(request))
    assert error.value.status_code == 408
