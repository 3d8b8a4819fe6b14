"""A SavedModel in a Session of this process: the time of an answer without a server."""

import os
from pathlib import Path

import numpy as np

from serving import contract
from serving.client.request_builders import draw_call
from serving.errors import ServingError
from serving.model_errors import model_error
from serving.server.status import StatusError


class LocalSession:
    """Draws with an exported model in this process; imports TensorFlow when it is made.

    Raises:
        ServingError: `path`, the folder of a version, cannot be loaded, or draws no captions.
    """

    def __init__(self, path: Path):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from serving.server.servables.servable import Servable

        self._path = path
        try:
            self._servable = Servable(path)
            signature = self._servable.signature(contract.DRAW.name)
            if signature.inputs.keys() != contract.DRAW.inputs.keys():
                raise ValueError("it does not draw captions")
        except Exception as error:
            raise ServingError(f"{path} cannot be used: {model_error(str(error))}.") from error

    def draw(
        self, prompt: str, n: int, seed: int, guidance: float = 0.0, best_of: int = 1
    ) -> dict[str, np.ndarray]:
        """The outputs that the client's `draw` reads, among them image uint8 [n, H, W, C].

        Raises:
            ServingError: the model has no signature for it.
        """
        call, feeds = draw_call(prompt, n, seed, guidance=guidance, best_of=best_of)
        try:
            signature = self._servable.signature(call.name)
        except StatusError as error:
            raise ServingError(f"{self._path} cannot draw this: {error}") from error
        return self._servable.run_alone(signature, feeds, tuple(call.outputs))

    def __enter__(self) -> "LocalSession":
        return self

    def __exit__(self, *exception) -> None:
        self._servable.close()
