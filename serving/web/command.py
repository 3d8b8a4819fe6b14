"""The command `web`: the page on a port of this machine."""

import ipaddress
import socket
from collections.abc import Collection, Sequence

import uvicorn

from serving.client.channel import credentials
from serving.client.connection import Connection
from serving.errors import RequestError, ServingError
from serving.server import addresses
from serving.server.config.flag_values import MAX_PORT
from serving.server.config.text_proto import ConfigError
from serving.server.rest_api.timed_connection import timed_connections
from serving.web.app import create_app
from serving.web.security import REQUEST_SECONDS


def web(
    connection: Connection,
    host: str = "127.0.0.1",
    port: int = 8080,
    allowed_hosts: Collection[str] = (),
) -> None:
    """Serve the page until the process is interrupted.

    Args:
        connection: The server and the model that draw.
        host: Address to listen on.
        port: Port of the page; 0 takes a free one.
        allowed_hosts: Names that browsers may use for it, besides localhost, `host` and addresses;
            any if there are none and other machines can reach it anyway.

    Raises:
        RequestError: there is no such port.
        ServingError: the port is taken, or a TLS file cannot be read.
    """
    credentials(connection)  # a bad TLS file is an error of the command, not of the first request
    sockets = listening(host, port)
    try:
        print(
            f"Open http://{addresses.bound(sockets[0])} (drawn by {connection.server})", flush=True
        )
        config = uvicorn.Config(
            create_app(connection, host_names(sockets, host, allowed_hosts)),
            http=timed_connections(REQUEST_SECONDS),
            log_level="warning",
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=5,
        )
        uvicorn.Server(config).run(sockets=sockets)
    finally:
        addresses.close(sockets)


def host_names(
    sockets: Sequence[socket.socket], host: str, allowed: Collection[str]
) -> set[str] | None:
    """The names that the page answers to; None for any."""
    ips = [addresses.bound(each).ip.partition("%")[0] for each in sockets]
    if not allowed and not all(ipaddress.ip_address(ip).is_loopback for ip in ips):
        return None
    return {name.lower() for name in ("localhost", host, *allowed)}


def listening(host: str, port: int) -> list[socket.socket]:
    """Listening sockets.

    Raises:
        RequestError: there is no such port.
        ServingError: it is taken, or `host` is not here.
    """
    if not 0 <= port <= MAX_PORT:
        raise RequestError(f"--port: expected a port from 0 to {MAX_PORT}, got {port}.")
    try:
        return addresses.listen(host, port, "--port")
    except ConfigError as error:
        raise ServingError(str(error)) from error
