"""The command `web`: the page on a port of this machine."""

import socket

import uvicorn

from serving.client.channel import credentials
from serving.client.connection import Connection
from serving.errors import ServingError
from serving.web.app import create_app


def web(connection: Connection, host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serve the page until the process is interrupted.

    Args:
        connection: The server and the model that draw.
        host: Address to listen on.
        port: Port of the page; 0 takes a free one.

    Raises:
        ServingError: the port is taken, or a TLS file cannot be read.
    """
    credentials(connection)  # a bad TLS file is an error of the command, not of the first request
    with listening(host, port) as listener:
        host, port = listener.getsockname()[:2]
        print(f"Open http://{host}:{port} (drawn by {connection.server})", flush=True)
        config = uvicorn.Config(
            create_app(connection),
            log_level="warning",
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=5,
        )
        uvicorn.Server(config).run(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ServingError where the port is taken or not allowed."""
    try:
        return socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ServingError(
            f"Cannot listen on {host}:{port}: {reason}. Choose another --port."
        ) from error
