"""The results that the paper reports, on COCO at 32x32, to be shown beside ours.

Mansimov, Parisotto, Ba and Salakhutdinov, "Generating Images from Captions with Attention", ICLR
2016. The marks say where a value is from: T from the authors' talk, R recalled from the paper and
not checked.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

DATA = "COCO, 32x32"
MARKS = {"T": "from the authors' talk", "R": "recalled from the paper, not checked"}
SOURCES = (
    "The paper's values are from the authors' talk, except the standard deviations of SSI, which "
    "are recalled from the paper and not checked."
)


class Reported(NamedTuple):
    """A value that the paper reports."""

    value: float
    mark: str = "T"
    spread: float | None = None  # standard deviation
    spread_mark: str = "R"


System = Literal[
    "lapgan",
    "fully-connected-vae",
    "conv-deconv-vae",
    "skip-thought-draw",
    "noalign-draw",
    "align-draw",
    "conv-draw",
]
PAPER_SYSTEMS: Mapping[System, str] = {
    "lapgan": "LAPGAN",
    "fully-connected-vae": "Fully-Conn VAE",
    "conv-deconv-vae": "Conv-Deconv VAE",
    "skip-thought-draw": "skipthoughtDRAW",
    "noalign-draw": "noalignDRAW",
    "align-draw": "alignDRAW",
}
"""Names of the systems in our presets and in the paper, in the order of the paper's tables."""

SYSTEMS: Mapping[System, str] = {**PAPER_SYSTEMS, "conv-draw": "ConvDRAW"}
"""Names of all systems that can be compared, those that the paper does not have at the end."""

_RETRIEVAL_KEYS = ("r_at_1", "r_at_5", "r_at_10", "r_at_50", "median_rank")


def _row(ssim: float, spread: float, *retrieval: float) -> dict[str, Reported]:
    """A row of the paper's first table; a system without a bound has no retrieval results."""
    reported = dict(zip(_RETRIEVAL_KEYS, map(Reported, retrieval), strict=False))
    return reported | {"ssim_uniform": Reported(ssim, "T", spread)}


RETRIEVAL: Mapping[System, Mapping[str, Reported]] = {
    "lapgan": _row(0.08, 0.07),
    "fully-connected-vae": _row(0.156, 0.10, 1.0, 6.6, 12.0, 53.4, 47),
    "conv-deconv-vae": _row(0.164, 0.10, 1.0, 6.5, 12.0, 52.9, 48),
    "skip-thought-draw": _row(0.157, 0.11, 2.0, 11.2, 18.9, 63.3, 36),
    "noalign-draw": _row(0.155, 0.11, 2.8, 14.1, 23.1, 68.0, 31),
    "align-draw": _row(0.156, 0.11, 3.0, 14.0, 22.9, 68.5, 31),
}
"""Recall at K in percent and median rank among 100 candidates; SSI with the true image.

The values of SSI seem to be of a 7x7 window and constants for a range of 2: see `uniform_ssim`.
"""

BOUNDS: Mapping[System, Mapping[str, Reported]] = {
    "skip-thought-draw": {
        "train": Reported(-1794.29),
        "test": Reported(-1791.37),
        "test_sharpened": Reported(-2045.84),
    },
    "noalign-draw": {
        "train": Reported(-1792.14),
        "test": Reported(-1791.15),
        "test_sharpened": Reported(-2051.07),
    },
    "align-draw": {
        "train": Reported(-1792.15),
        "test": Reported(-1791.53),
        "test_sharpened": Reported(-2042.31),
    },
}
"""Lower bounds on the log-likelihood, nats."""
