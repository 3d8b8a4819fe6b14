"""Security of the page: headers on every answer, whom it answers, what a request may hold."""

import asyncio
import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from serving.server.rest_api.limited_body import limited_body

MAX_BODY_BYTES = 64 * 1024
REQUEST_SECONDS = 30.0
"""In which a request must arrive."""

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}


class SecurityHeaders:
    """ASGI middleware: the page loads nothing from other sites, and no other site embeds it."""

    def __init__(self, app):
        self._app = app

    async def __call__(self, scope, receive, send) -> None:
        """Handle a request, and add the headers to its answer."""

        async def send_with_headers(message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class KnownHosts:
    """ASGI middleware: answers only to addresses and to the page's own names.

    Any site may have its name point to this machine (DNS rebinding). A browser then takes the page
    for one of that site's, and lets the site read the answers.

    Args:
        app: The application behind it.
        names: The page's names; None answers to all.
    """

    def __init__(self, app, names: Collection[str] | None):
        self._app = app
        self._names = names

    async def __call__(self, scope, receive, send) -> None:
        """Handle a request, or refuse it with the status 421."""
        if scope["type"] == "http" and self._names is not None:
            name = _host_name(Headers(scope=scope).get("host", ""))
            if not _is_address(name) and name not in self._names:
                reason = f"The page is not called {name!r}: start it with --allowed-hosts {name}."
                await JSONResponse({"error": reason}, 421)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_address(name: str) -> bool:
    """Whether a host is an IP address, and no name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _host_name(header: str) -> str:
    """The name or address in a Host header, in lower case; "" if there is none."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:  # half a bracket
        return ""


async def json_body(request: Request) -> bytes:
    """The body of a JSON request. Raises HTTPException 408, 413 or 415."""
    # Any site can make a browser post a form to this server, but not JSON.
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "Send JSON, with Content-Type: application/json.")
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            body = await limited_body(request, MAX_BODY_BYTES)
    except TimeoutError as error:
        raise HTTPException(408, "The request did not arrive in time.") from error
    if body is None:
        raise HTTPException(413, f"The request is larger than {MAX_BODY_BYTES:,} bytes.")
    return body
