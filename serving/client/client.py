"""A gRPC client for programs, without TensorFlow.

with Client("localhost:8500") as client:
    (picture,) = client.draw("a stop sign is flying in blue skies", seed=7)
    Path("sign.png").write_bytes(picture.png)
"""

from collections.abc import Sequence

import grpc
import numpy as np

from serving.client import channel, request_builders
from serving.client.connection import Connection
from serving.client.error_messages import explained
from serving.client.messages import METHODS
from serving.client.request_builders import Answer, Call
from serving.client.results import Drawing, Metadata, Picture, VersionStatus


class Client:
    """Speaks TensorFlow Serving's protocol over one channel; made once, used from many threads.

    Args:
        server: address and gRPC port.
        **options: fields of `Connection`: model, version, label, timeout, tls, tls_ca, ...

    Every method raises RequestError for what is not worth sending, and ServingError, in words a
    person understands, for what the server or the network did not do.
    """

    def __init__(self, server: str = Connection.server, **options):
        self.connection = Connection(server, **options)
        credentials = channel.credentials(self.connection)
        if credentials is None:
            self._channel = grpc.insecure_channel(server, channel.OPTIONS)
        else:
            self._channel = grpc.secure_channel(server, credentials, channel.OPTIONS)
        self._methods = {path: self._channel.unary_unary(path) for path in METHODS}

    def draw(
        self, prompt: str, n: int = 1, seed: int = 0, temperature: float = 1.0
    ) -> list[Picture]:
        """n pictures of a caption, with the seeds from `seed` on."""
        return self._send(request_builders.draw(self.connection, prompt, n, seed, temperature))

    def draw_steps(
        self, prompt: str, n: int = 1, seed: int = 0, temperature: float = 1.0
    ) -> list[Drawing]:
        """As `draw`, with every canvas, the words, and what was attended to at each step."""
        return self._send(
            request_builders.draw_steps(self.connection, prompt, n, seed, temperature)
        )

    def score(self, pngs: Sequence[bytes], prompt: str, seed: int = 0) -> np.ndarray:
        """How likely each picture is under the caption: bound on log p, nats, float32 [B]."""
        return self._send(request_builders.score(self.connection, pngs, prompt, seed))

    def metadata(self) -> Metadata:
        """The version that answers, and its signatures."""
        return self._send(request_builders.metadata(self.connection))

    def status(self) -> list[VersionStatus]:
        """The versions of the model on the server, newest first."""
        return self._send(request_builders.status(self.connection))

    def close(self) -> None:
        """Close the channel; requests in flight fail."""
        self._channel.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def _send(self, call: Call[Answer]) -> Answer:
        try:
            answer = self._methods[call.path](call.request, timeout=self.connection.timeout)
        except grpc.RpcError as error:
            raise explained(error, self.connection) from error
        return call.read(answer)
