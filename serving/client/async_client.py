"""The client for asyncio: the methods and errors of `serving.client.client.Client`."""

from collections.abc import Sequence

import grpc
import numpy as np

from serving.client import channel, request_builders
from serving.client.connection import Connection
from serving.client.error_messages import explained
from serving.client.messages import METHODS
from serving.client.request_builders import Answer, Request
from serving.client.results import Drawing, Metadata, Picture, VersionStatus


class AsyncClient:
    """As `Client`, with methods to be awaited, in the event loop in which it was made."""

    def __init__(self, server: str = Connection.server, **options):
        self.connection = Connection(server, **options)
        credentials = channel.credentials(self.connection)
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(server, channel.OPTIONS)
        else:
            self._channel = grpc.aio.secure_channel(server, credentials, channel.OPTIONS)
        self._methods = {path: self._channel.unary_unary(path) for path in METHODS}

    async def draw(
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
        """`n` pictures of a caption, with the seeds `seed`, `seed + 1`, ..."""
        sampling, steering = (prompt, n, seed, temperature), (guidance, instead_of, best_of)
        return await self._send(request_builders.draw(self.connection, *sampling, *steering))

    async def draw_steps(
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
        return await self._send(request_builders.draw_steps(self.connection, *sampling, *steering))

    async def unknown_words(self, *captions: str) -> list[str]:
        """The words that are not in the model's vocabulary, each once, in order."""
        return await self._send(request_builders.unknown_words(self.connection, captions))

    async def score(self, pngs: Sequence[bytes], prompt: str, seed: int = 0) -> np.ndarray:
        """The bound on log p(picture | prompt) of each PNG, nats, float32 [B]."""
        return await self._send(request_builders.score(self.connection, pngs, prompt, seed))

    async def metadata(self) -> Metadata:
        """The version that answers requests, and its signatures."""
        return await self._send(request_builders.metadata(self.connection))

    async def status(self) -> list[VersionStatus]:
        """The versions of the model on the server, newest first."""
        return await self._send(request_builders.status(self.connection))

    async def close(self) -> None:
        """Close the channel. Requests in flight fail."""
        await self._channel.close()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *exception) -> None:
        await self.close()

    async def _send(self, request: Request[Answer]) -> Answer:
        try:
            answer = await self._methods[request.method](
                request.message, timeout=self.connection.timeout
            )
        except grpc.RpcError as error:
            raise explained(error, self.connection) from error
        return request.read(answer)
