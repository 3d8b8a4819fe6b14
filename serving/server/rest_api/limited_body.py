"""Bodies of requests, up to a limit."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request

LINGER_SECONDS = 1.0
"""How long the rest of a body that is too long is read and discarded."""


async def limited_body(request: Request, most: int) -> bytes | None:
    """The body of a request; None where it is longer than `most` bytes, or says that it is.

    Raises:
        ClientDisconnect: the client went away.
    """
    chunks, body = request.stream(), bytearray()
    stated = request.headers.get("content-length", "")  # the parser lets only digits through
    if int(stated or 0) <= most:
        async for chunk in chunks:  # counted as well: the length may be missing
            body += chunk
            if len(body) > most:
                break
        else:
            return bytes(body)
    await _discard(chunks)
    return None


async def _discard(chunks: AsyncIterator[bytes]) -> None:
    """Read what a client still sends, for a while.

    A client that is sending when the connection closes fails to write, and never reads the answer
    that says why.
    """
    with contextlib.suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(LINGER_SECONDS):
            async for _ in chunks:
                pass
