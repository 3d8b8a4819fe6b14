"""Parts shared by the gRPC methods: error statuses, deadlines, and the ModelSpec."""

import functools
from collections.abc import Callable

import grpc
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.server.status import StatusError, invalid_argument

_ENDLESS = 1e6  # seconds; where there is no deadline, gRPC reports a huge time left


def rpc_method(method: Callable) -> Callable:
    """Make `method(self, request, context, record)` a method of a servicer.

    The request is recorded in `self.request_log`, and a StatusError becomes the status of the call.
    """

    @functools.wraps(method)
    def servicer_method(self, request, context: grpc.ServicerContext):
        try:
            with self.request_log.record(method.__name__, "GRPC") as record:
                _check_client_waits(context)
                return method(self, request, context, record)
        except StatusError as error:
            context.abort(error.code, error.text)

    return servicer_method


def unimplemented_method(name: str) -> Callable:
    """A method of the protocol that this server leaves to TensorFlow Serving."""

    def method(self, request, context, record):
        raise unimplemented(name)

    method.__name__ = name
    return rpc_method(method)


def unimplemented(name: str) -> StatusError:
    """UNIMPLEMENTED, with the method to call instead."""
    text = f"{name} is not implemented by the embedded server; call Predict"
    return StatusError(grpc.StatusCode.UNIMPLEMENTED, text)


def seconds_left(context: grpc.ServicerContext) -> float | None:
    """Seconds until the client's deadline; None where there is none."""
    left = context.time_remaining()
    return None if left is None or left > _ENDLESS else left


def named_spec(request) -> ModelSpec:
    """The request's ModelSpec. Raises INVALID_ARGUMENT where it or its name is missing."""
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")
    if not request.model_spec.name:
        raise invalid_argument("ModelSpec has no name specified.")
    return request.model_spec


def _check_client_waits(context: grpc.ServicerContext) -> None:
    """Refuse a request that has waited for a thread until its client gave up."""
    left = seconds_left(context)
    if left is not None and left <= 0:
        raise StatusError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
    if not context.is_active():
        raise StatusError(grpc.StatusCode.CANCELLED, "Cancelled")
