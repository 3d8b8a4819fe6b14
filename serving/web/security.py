"""Security of the page: headers on every answer, and limits on what a request may hold."""

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request

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
