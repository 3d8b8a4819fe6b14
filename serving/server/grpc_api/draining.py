"""Stops gRPC without losing what it has accepted.

When a server stops, gRPC cancels the requests that have arrived and that Python has not looked at
yet; under load there are always some. So for a moment answers are held back: clients that wait for
them send nothing more, Python catches up, and the server stops with no request in between.
"""

import threading
import time
from collections.abc import Callable

import grpc

_QUIET = 0.05  # seconds without a new request
_MOST = 0.5  # seconds; where clients send without waiting for answers, it never gets quiet


class Turnstile(grpc.ServerInterceptor):
    """Sees every request as Python takes it over, and can hold the answers back."""

    def __init__(self):
        self._open = threading.Event()
        self._open.set()
        self._arrived = time.monotonic()

    def intercept_service(self, continuation: Callable, handler_call_details):
        """Called by gRPC for each request, one at a time."""
        self._arrived = time.monotonic()
        handler = continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler

        def answer(request, context):
            try:
                return handler.unary_unary(request, context)
            finally:
                self._open.wait(_MOST)

        return grpc.unary_unary_rpc_method_handler(
            answer, handler.request_deserializer, handler.response_serializer
        )

    def stop(self, server: grpc.Server, grace: float) -> threading.Event:
        """`server.stop`, once no request is on its way to Python."""
        self._open.clear()
        start = time.monotonic()
        while (now := time.monotonic()) - max(
            start, self._arrived
        ) < _QUIET and now - start < _MOST:
            time.sleep(_QUIET / 10)
        stopped = server.stop(grace)
        self._open.set()
        return stopped
