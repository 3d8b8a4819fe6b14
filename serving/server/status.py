"""The one exception that reaches a client: a gRPC status and a text fit to be shown.

TensorFlow's texts can hold node names and paths; a client's own words can hold control characters
and 100 kB. What leaves here is one short line without them.
"""

import re

import grpc
import tensorflow as tf

MAX_TEXT = 1_024
"""Characters. gRPC carries the text in a trailer, and 8 KiB of trailers is all a client accepts."""

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_NODES = re.compile(r"\s*\[\[\{\{.*", re.DOTALL)
_PATH = re.compile(r"(?<![\w./-])(?:[a-z]+:/)?/(?:[^\s/'\":]+/)*[^\s/'\":]+")


class Failure(Exception):
    """A request that ends with `code`, a `grpc.StatusCode`, and `text`."""

    def __init__(self, code: grpc.StatusCode, text: str):
        super().__init__(text)
        self.code = code
        self.text = presentable(text)


def invalid(text: str) -> Failure:
    """INVALID_ARGUMENT, the commonest failure."""
    return Failure(grpc.StatusCode.INVALID_ARGUMENT, text)


def as_failure(error: Exception, fallback: str = "Internal error") -> Failure:
    """Any exception as a Failure. An unforeseen one becomes INTERNAL and says nothing of itself."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, tf.errors.OpError):
        code = _CODES.get(error.error_code, grpc.StatusCode.UNKNOWN)
        return Failure(code, without_paths(error.message))
    return Failure(grpc.StatusCode.INTERNAL, fallback)


def presentable(text: str) -> str:
    """At most MAX_TEXT characters, all printable: controls and lone surrogates are escaped."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: MAX_TEXT + 1])
    return shown if len(shown) <= MAX_TEXT else shown[: MAX_TEXT - 3] + "..."


def without_paths(text: str) -> str:
    """A text of TensorFlow's without the nodes it names, its file paths hidden.

    >>> without_paths("Cannot parse /models/t2i/3/saved_model.pb [[{{node a}}]]")
    'Cannot parse <path>'
    """
    return _PATH.sub("<path>", _NODES.sub("", text))
