"""Options of every channel to a server: size limits, retries, TLS."""

import json
from pathlib import Path

import grpc

from serving.client.connection import Connection
from serving.contract import MAX_MESSAGE_BYTES
from serving.errors import ServingError

_RETRY = {
    "maxAttempts": 4,
    "initialBackoff": "0.2s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
"""Requests may be sent twice: a caption with a seed gives the same image each time."""

OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.service_config", json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": _RETRY}]})),
    ("grpc.keepalive_time_ms", 60_000),  # notices a server that has vanished without a word
)


def credentials(connection: Connection) -> grpc.ChannelCredentials | None:
    """TLS or mutual TLS, or None for plain text. Raises ServingError where a file is unusable."""
    if not connection.encrypted:
        return None
    return grpc.ssl_channel_credentials(
        root_certificates=_pem(connection.tls_ca),
        private_key=_pem(connection.tls_key),
        certificate_chain=_pem(connection.tls_certificate),
    )


def _pem(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ServingError(f"Cannot read {path}: {error.strerror}.") from error
    if b"-----BEGIN " not in content:
        raise ServingError(f"{path} is not a PEM file: it has no line with -----BEGIN.")
    return content
