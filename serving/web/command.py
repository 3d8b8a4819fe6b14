"""The command `web`: the page on a port of this machine."""

import socket

import uvicorn

from serving.client.channel import credentials
from serving.errors import ServingError
from serving.options import Web
from serving.web.app import create_app


def web(chosen: Web) -> None:
    """Serve the page until told to stop. Raises ServingError where it cannot start."""
    credentials(chosen.connection)  # what is wrong with the files is told now
    with listening(chosen.host, chosen.port) as listener:
        host, port = listener.getsockname()[:2]
        print(f"Open http://{host}:{port} (drawn by {chosen.connection.server})", flush=True)
        app = create_app(chosen.connection)
        config = uvicorn.Config(
            app, log_level="warning", server_header=False, ws="none", timeout_graceful_shutdown=5
        )
        uvicorn.Server(config).run(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """A socket bound to the port. Raises ServingError where that is taken or not allowed."""
    try:
        return socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise ServingError(f"Cannot listen on {host}:{port}: {why}. Try another --port.") from error
