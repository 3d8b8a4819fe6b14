"""A client of TensorFlow Serving's protocol, without TensorFlow.

    from serving.client import Client

    with Client("localhost:8500") as client:
        (picture,) = client.draw("a stop sign is flying in blue skies", seed=7)

The names below are imported when they are first used: `--help` of the commands reads
`serving.client.connection`, and must not wait for gRPC and NumPy.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serving.client.async_client import AsyncClient
    from serving.client.client import Client
    from serving.errors import RequestError, ServingError

__all__ = ["AsyncClient", "Client", "RequestError", "ServingError"]

_DEFINED_IN = {
    "AsyncClient": "serving.client.async_client",
    "Client": "serving.client.client",
    "RequestError": "serving.errors",
    "ServingError": "serving.errors",
}


def __getattr__(name: str):
    if name not in _DEFINED_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_DEFINED_IN[name]), name)
