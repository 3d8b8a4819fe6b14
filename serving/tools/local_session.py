"""A SavedModel in a Session of this process: the time of an answer without a server."""

import os
from pathlib import Path

import numpy as np

from serving import contract
from serving.errors import ServingError
from serving.model_errors import model_error


class LocalSession:
    """Draws with an exported model in this process; imports TensorFlow when it is made.

    Raises:
        ServingError: `path`, the folder of a version, cannot be loaded, or draws no captions.
    """

    def __init__(self, path: Path):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from serving.server.servables.servable import Servable

        try:
            self._servable = Servable(path)
            self._signature = self._servable.signature(contract.DRAW.name)
            if self._signature.inputs.keys() != contract.DRAW.inputs.keys():
                raise ValueError("it does not draw captions")
        except Exception as error:
            raise ServingError(f"{path} cannot be used: {model_error(str(error))}.") from error

    def draw(self, prompt: str, n: int, seed: int) -> dict[str, np.ndarray]:
        """The outputs of the client's `draw`: image uint8 [n, H, W, C] and its PNG."""
        feeds = {
            contract.PROMPT: np.array([prompt.encode()] * n, object),
            contract.SEED: np.arange(seed, seed + n, dtype=np.int64),
            contract.TEMPERATURE: np.ones(n, np.float32),
        }
        return self._servable.run_alone(self._signature, feeds, tuple(contract.DRAW.outputs))

    def __enter__(self) -> "LocalSession":
        return self

    def __exit__(self, *exception) -> None:
        self._servable.close()
