"""The gRPC client, without TensorFlow.

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
from serving.client.request_builders import Answer, Request
from serving.client.results import Drawing, Metadata, Picture, VersionStatus


class Client:
    """Speaks TensorFlow Serving's protocol over one channel, from any number of threads.

    Args:
        server: Address and gRPC port.
        **options: Fields of `Connection`: model, version, label, timeout, tls, tls_ca, ...

    Raises:
        RequestError: from every method, where the arguments are wrong. What can be checked here is
            not sent; only the server knows how many words its model reads.
        ServingError: from every method, where the server or the network fails.
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
        self,
        prompt: str,
        n: int = 1,
        seed: int = 0,
        temperature: float = 1.0,
        *,
        guidance: float = 0.0,
        instead_of: str = "",
        best_of: int = 1,
    ) -> list[Picture]:
        """`n` pictures of a caption, with the seeds `seed`, `seed + 1`, ...

        Args:
            prompt: The caption.
            n: Number of pictures.
            seed: Seed of the first. A caption with a seed is always the same picture, but for
                single pixels that round to the next grey level in a batch of another size.
            temperature: Scale of the noise: 0 draws the mean, 1 samples as in training.
            guidance: How far to go beyond the caption, 0 to 20, away from an empty one. More than
                0 needs the signature `draw_guided`, which models with an empty caption have.
            instead_of: Caption to move away from; "" is the empty one.
            best_of: Number of drawings of which each picture is the one that fits its caption best;
                more than 1 needs the signature `draw_best`. Its seed is that of the chosen drawing.
        """
        sampling, steering = (prompt, n, seed, temperature), (guidance, instead_of, best_of)
        return self._send(request_builders.draw(self.connection, *sampling, *steering))

    def draw_steps(
        self,
        prompt: str,
        n: int = 1,
        seed: int = 0,
        temperature: float = 1.0,
        *,
        guidance: float = 0.0,
        instead_of: str = "",
        best_of: int = 1,
    ) -> list[Drawing]:
        """As `draw`, with every canvas, the write windows, the words, and the attention to them."""
        sampling, steering = (prompt, n, seed, temperature), (guidance, instead_of, best_of)
        return self._send(request_builders.draw_steps(self.connection, *sampling, *steering))

    def unknown_words(self, *captions: str) -> list[str]:
        """The words that are not in the model's vocabulary, each once, in order."""
        return self._send(request_builders.unknown_words(self.connection, captions))

    def score(self, pngs: Sequence[bytes], prompt: str, seed: int = 0) -> np.ndarray:
        """The bound on log p(picture | prompt) of each PNG, nats, float32 [B]."""
        return self._send(request_builders.score(self.connection, pngs, prompt, seed))

    def metadata(self) -> Metadata:
        """The version that answers requests, and its signatures."""
        return self._send(request_builders.metadata(self.connection))

    def status(self) -> list[VersionStatus]:
        """The versions of the model on the server, newest first."""
        return self._send(request_builders.status(self.connection))

    def close(self) -> None:
        """Close the channel. Requests in flight fail."""
        self._channel.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def _send(self, request: Request[Answer]) -> Answer:
        try:
            answer = self._methods[request.method](request.message, timeout=self.connection.timeout)
        except grpc.RpcError as error:
            raise explained(error, self.connection) from error
        return request.read(answer)
