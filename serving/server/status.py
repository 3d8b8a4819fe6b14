"""Status codes, and the one exception that reaches a client: a status with a presentable text.

TensorFlow's error texts can hold node names and paths; a client's own words can hold control
characters and 100 kB. What leaves the server is one short line without them.
"""

import re

import grpc

from serving.model_errors import model_error

MAX_TEXT = 1_024
"""Characters. gRPC carries the text in a trailer, and clients accept only 8 KiB of trailers."""

HTTP_STATUS = {
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "UNIMPLEMENTED": 501,
    "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""Name of a gRPC status -> HTTP status, as in TensorFlow Serving, where every other one is 500."""

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_PATH = re.compile(r"(?<![\w./-])(?:[a-z]+:/)?/(?:[^\s/'\":]+/)*[^\s/'\":]+")


class StatusError(Exception):
    """Ends a request with `code`, a `grpc.StatusCode`, and `text`, fit to be shown to a client.

    Args:
        code: The gRPC status.
        text: What was wrong.
        http_status: The HTTP status, where it is not that of `code`.
    """

    def __init__(self, code: grpc.StatusCode, text: str, http_status: int | None = None):
        super().__init__(text)
        self.code = code
        self.text = presentable(text)
        self.http_status = http_status or HTTP_STATUS.get(code.name, 500)


def invalid_argument(text: str) -> StatusError:
    """INVALID_ARGUMENT, the status of most errors."""
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, text)


def as_status_error(error: Exception, fallback: str = "Internal error") -> StatusError:
    """Any exception as a StatusError.

    TensorFlow's own errors keep their code. The text of any other exception may hold anything, so
    it becomes INTERNAL with the text `fallback`.
    """
    # Imported here: the page reads HTTP_STATUS, and runs where TensorFlow is not installed.
    from tensorflow.errors import OpError

    if isinstance(error, StatusError):
        return error
    if isinstance(error, OpError):
        code = _CODES.get(error.error_code, grpc.StatusCode.UNKNOWN)
        return StatusError(code, without_paths(error.message))
    return StatusError(grpc.StatusCode.INTERNAL, fallback)


def presentable(text: str) -> str:
    """At most MAX_TEXT characters, all printable: controls and lone surrogates are escaped."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: MAX_TEXT + 1])
    return shown if len(shown) <= MAX_TEXT else shown[: MAX_TEXT - 3] + "..."


def without_paths(text: str) -> str:
    """TensorFlow's error text without node names, its file paths hidden.

    >>> without_paths("Cannot parse /models/t2i/3/saved_model.pb [[{{node a}}]]")
    'Cannot parse <path>'
    """
    return _PATH.sub("<path>", model_error(text))
