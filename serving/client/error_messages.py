"""gRPC statuses as sentences: what happened, and what to do."""

import grpc

from serving import contract
from serving.client.connection import Connection
from serving.errors import RequestError, ServingError
from serving.model_errors import model_error, too_many_words

_TEXTS = {
    "CANCELLED": "The request to {server} was cancelled.",
    "DEADLINE_EXCEEDED": "{server} did not answer within {timeout:g} s. Ask for fewer images, or "
    "set a longer timeout.",
    "FAILED_PRECONDITION": "The model {model!r} cannot do this: {details}",
    "INVALID_ARGUMENT": "The server refused the request: {details}",
    "NOT_FOUND": "{server} serves no {model!r}{choice}: {details}",
    "PERMISSION_DENIED": "{server} does not allow this: {details}",
    "RESOURCE_EXHAUSTED": "The request or its answer is too large: {details} Ask for fewer images "
    "at a time.",
    "UNAUTHENTICATED": "{server} did not authenticate this client: {details}",
    "UNIMPLEMENTED": "What listens at {server} does not speak TensorFlow Serving's protocol.",
}
_NO_STEERING = (
    "The model {model!r} has no signature for guidance or the best of several drawings. Export a "
    "model that was trained with --caption-dropout, or draw without them."
)
_OTHER = "The server failed ({status}): {details}"
_BUSY = "The server is busy: its queue is full. Try again in a moment."
_NO_TLS = (
    "No secure connection to {server}: {details} Check that both sides use TLS and trust each "
    "other's certificates."
)
_NO_SERVER = (
    "No server answers at {server}. Is it running, and is that its gRPC port? Start one with: "
    "python -m serving serve --model-base-path models/t2i"
)
_BROKEN = "The connection to {server} broke: {details} If the server uses TLS, the client must too."


def explained(error: grpc.RpcError, connection: Connection) -> ServingError:
    """The ServingError for a failed call."""
    status, details = error.code().name, _sentence(model_error(error.details() or ""))
    if words := too_many_words(details):
        return RequestError(words, status)
    text = _TEXTS.get(status, _OTHER)
    if status == "FAILED_PRECONDITION" and _is_steering(details):
        text = _NO_STEERING
    if status == "UNAVAILABLE":
        text = _unavailable(details, connection.encrypted)
    fields = {**vars(connection), "status": status, "details": details}
    return ServingError(text.format(choice=_choice(connection), **fields), status)


def _is_steering(details: str) -> bool:
    """Whether what the server has not found is a signature that only some models have."""
    names = (contract.DRAW_GUIDED.name, contract.DRAW_BEST.name)
    return any(f'signature key "{name}"' in details for name in names)


def _unavailable(details: str, encrypted: bool) -> str:
    """The likeliest of the causes that share this status, by gRPC's own text."""
    words = details.lower()
    if "queue" in words:
        return _BUSY
    if encrypted:
        return _NO_TLS
    silent = any(sign in words for sign in ("refused", "resol", "timed out", "timeout", "route"))
    return _NO_SERVER if silent else _BROKEN


def _choice(connection: Connection) -> str:
    if connection.version is not None:
        return f" in version {connection.version}"
    return f" labelled {connection.label!r}" if connection.label is not None else ""


def _sentence(details: str) -> str:
    """One line that ends with a full stop."""
    line = " ".join((details or "it gave no reason").split())
    return line if line.endswith((".", "!", "?")) else f"{line}."
