"""What gRPC methods share: a Failure becomes a status, and nobody works for a client that left."""

import functools
from collections.abc import Callable

import grpc
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.server.status import Failure, invalid

_ENDLESS = 1e6  # seconds; gRPC says infinity where there is no deadline


def answered(method: Callable) -> Callable:
    """Turn `method(self, request, context, call)` into a servicer's; `self.ledger` counts it."""

    @functools.wraps(method)
    def servicer_method(self, request, context: grpc.ServicerContext):
        try:
            with self.ledger.call(method.__name__, "GRPC") as call:
                _check_awaited(context)
                return method(self, request, context, call)
        except Failure as failure:
            context.abort(failure.code, failure.text)

    return servicer_method


def unimplemented(name: str) -> Callable:
    """A method of the protocol that this server leaves to TensorFlow Serving."""

    def method(self, request, context, call):
        raise not_implemented(name)

    method.__name__ = name
    return answered(method)


def not_implemented(name: str) -> Failure:
    """UNIMPLEMENTED, with where to go."""
    text = f"{name} is not implemented by the embedded server; call Predict"
    return Failure(grpc.StatusCode.UNIMPLEMENTED, text)


def seconds_left(context: grpc.ServicerContext) -> float | None:
    """Until the client's deadline; None where there is none."""
    left = context.time_remaining()
    return None if left is None or left > _ENDLESS else left


def named_spec(request) -> ModelSpec:
    """The request's ModelSpec. Raises INVALID_ARGUMENT when it or its name is missing."""
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    if not request.model_spec.name:
        raise invalid("ModelSpec has no name specified.")
    return request.model_spec


def _check_awaited(context: grpc.ServicerContext) -> None:
    """Requests may have waited for a thread so long that nobody waits for them."""
    left = seconds_left(context)
    if left is not None and left <= 0:
        raise Failure(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
    if not context.is_active():
        raise Failure(grpc.StatusCode.CANCELLED, "Cancelled")
