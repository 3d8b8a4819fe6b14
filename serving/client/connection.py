"""Address, model and encryption of a server. Standard library only."""

import re
from dataclasses import dataclass
from pathlib import Path

from serving import contract
from serving.errors import RequestError

_HOST_AND_PORT = re.compile(r"(?:[^\s:/@\[\]]+|\[[^\s\[\]]+\]):([0-9]{1,5})")
_OF_ANOTHER_KIND = re.compile(r"(?:dns|unix|unix-abstract|ipv4|ipv6|vsock|xds):\S+")
"""gRPC's other ways to name a server."""
_MAX_PORT = 65_535
_MAX_SECONDS = 1e9  # gRPC counts nanoseconds, in 64 bits


@dataclass(frozen=True)
class Connection:
    """A server, one of its models, and the timeout of requests."""

    server: str = f"localhost:{contract.GRPC_PORT}"
    """Address and gRPC port."""
    model: str = contract.MODEL_NAME
    """Name of the model on the server."""
    version: int | None = None
    """Version of the model; the newest by default."""
    label: str | None = None
    """Label of the version, such as `stable`, instead of its number."""
    timeout: float = 30.0
    """Seconds for a request, retries included."""
    tls: bool = False
    """Encrypt, and trust the authorities of this machine; implied by the files below."""
    tls_ca: Path | None = None
    """PEM file of the certificate authority to trust instead."""
    tls_certificate: Path | None = None
    """PEM file of the client's own certificate, for mutual TLS."""
    tls_key: Path | None = None
    """PEM file of the client's key."""

    def __post_init__(self) -> None:
        """Raises RequestError where the fields contradict each other or can never work."""
        for name in ("server", "model", "label"):
            _check_text(name, getattr(self, name) or "")
        _check_address(self.server)
        if not self.model:
            raise RequestError("The model's name is empty: expected one such as t2i.")
        if self.label == "":  # the protocol could not tell it from none
            raise RequestError("--label is empty: expected one such as stable, or no --label.")
        if self.version is not None and self.label is not None:
            raise RequestError("Expected a version or a label, not both.")
        if self.version is not None and not 0 <= self.version <= contract.MAX_VERSION:
            raise RequestError(
                f"--version must be from 0 to {contract.MAX_VERSION}, not {self.version}."
            )
        if not 0 < self.timeout <= _MAX_SECONDS:
            raise RequestError(
                f"The timeout must be more than 0 and at most {_MAX_SECONDS:g} seconds, not "
                f"{self.timeout:g}."
            )
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise RequestError("Mutual TLS needs both the client's certificate and its key.")

    @property
    def encrypted(self) -> bool:
        """Whether TLS is used."""
        return self.tls or bool(self.tls_ca or self.tls_certificate)


def _check_address(server: str) -> None:
    """Raises RequestError for an address at which gRPC could find nobody."""
    match = _HOST_AND_PORT.fullmatch(server)
    if (match and 0 < int(match[1]) <= _MAX_PORT) or _OF_ANOTHER_KIND.fullmatch(server):
        return
    raise RequestError(
        f"--server {server!r}: expected the address and the port of gRPC, such as localhost:8500 "
        "or [::1]:8500, without http://."
    )


def _check_text(name: str, text: str) -> None:
    """Raises RequestError for bytes of a command line that are not UTF-8, as gRPC sends text."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RequestError(f"--{name} is not text: its bytes are not UTF-8.") from error
