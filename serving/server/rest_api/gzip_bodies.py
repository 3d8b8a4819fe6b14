"""Bodies that are compressed with gzip: requests, inflated within a limit, and answers."""

import gzip
import io
import zlib

import grpc

from serving.server.status import StatusError, invalid_argument

MAX_MEMBERS = 1_000
"""Most parts of a body. Each costs some work, even one that holds nothing."""

_MEMBER = b"\x1f\x8b\x08"  # with which every one begins
_LEVEL = 1  # answers are made while a client waits


def inflated(body: bytes, encoding: str, limit: int) -> bytes:
    """The body of a request as its Content-Encoding says.

    Args:
        body: The body as it was sent.
        encoding: The header; empty where there is none.
        limit: Most bytes of the result. What would be longer is not inflated further.

    Raises:
        StatusError: INVALID_ARGUMENT where the body is not what the header says;
            RESOURCE_EXHAUSTED where it is too large.
    """
    if encoding.strip().lower() in ("", "identity"):
        return body
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        raise invalid_argument(f"Content-Encoding: expected gzip or none, got {encoding}")
    if body.count(_MEMBER) > MAX_MEMBERS:
        raise invalid_argument(f"Expected a gzip body of at most {MAX_MEMBERS} members, got more")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            content = file.read(limit + 1)
    except EOFError as error:
        raise invalid_argument("The gzip body ends before its end") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise invalid_argument(
            "The body is not gzip, as its header Content-Encoding says"
        ) from error
    if len(content) > limit:
        raise too_large(limit)
    return content


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding asks for gzip."""
    for choice in header.lower().split(","):
        name, _, quality = choice.partition(";")
        if name.strip() in ("gzip", "x-gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def compressed(content: bytes) -> bytes:
    """An answer in gzip; the same answer always gives the same bytes."""
    return gzip.compress(content, _LEVEL, mtime=0)


def too_large(limit: int) -> StatusError:
    """The answer to a body over the limit: 413, as 503 and 429 ask clients to send it again."""
    text = f"Request larger than {limit} bytes"
    return StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text, http_status=413)
