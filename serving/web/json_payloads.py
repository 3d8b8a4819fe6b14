"""The page's JSON: requests, checked, and drawings, packed."""

import base64
import json
import sys
from dataclasses import dataclass

import numpy as np

from serving.client.results import Drawing
from serving.errors import RequestError

MAX_PICTURES = 12
"""Most pictures of one request of the page."""


@dataclass(frozen=True)
class DrawingRequest:
    """A request of the page, with the arguments of the client's `draw_steps`."""

    prompt: str
    n: int = 1
    seed: int = 0
    temperature: float = 1.0
    guidance: float = 0.0

    @classmethod
    def of(cls, body: bytes) -> "DrawingRequest":
        """The request in a JSON body. Raises RequestError for anything else."""
        try:
            fields = json.loads(body)
            request = cls(**fields)
        except (ValueError, TypeError, RecursionError) as error:
            raise RequestError(
                'Expected a JSON object such as {"prompt": "a dog", "n": 1, "seed": 0, '
                '"temperature": 1}.'
            ) from error
        request._check()
        return request

    def _check(self) -> None:
        _expect(isinstance(self.prompt, str), "The caption must be text.")
        _expect(_is_whole(self.seed), "The seed must be a whole number.")
        _expect(
            _is_whole(self.n) and 1 <= self.n <= MAX_PICTURES,
            f"The number of pictures must be from 1 to {MAX_PICTURES}.",
        )
        _expect(_is_number(self.temperature), "The temperature must be a number.")
        _expect(_is_number(self.guidance), "The guidance must be a number.")


def _expect(condition: bool, text: str) -> None:
    if not condition:
        raise RequestError(text)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)  # True is an int in Python


def _is_number(value: object) -> bool:
    whole = isinstance(value, int) and _is_whole(value) and abs(value) <= sys.float_info.max
    return whole or isinstance(value, float)


def packed(drawing: Drawing) -> dict:
    """A drawing for the page: pixels as base64 of uint8 [T, H, W, C], numbers as lists."""
    words = zip(drawing.words, drawing.known, strict=True)
    return {
        "seed": str(drawing.seed),  # a number of JavaScript holds 53 bits, a seed 64
        "shape": list(drawing.canvases.shape),
        "canvases": _base64(drawing.canvases.tobytes()),
        "windows": _rounded(drawing.windows),
        "words": [{"text": text, "known": known} for text, known in words],
        "alignment": _rounded(drawing.alignment),
        "png": _base64(drawing.png),
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _rounded(array: np.ndarray) -> list:
    """Numbers with 4 decimals; NaN and infinity, which JSON lacks, as 0."""
    finite = np.nan_to_num(array.astype(np.float64), posinf=0, neginf=0)
    return finite.round(4).tolist()
