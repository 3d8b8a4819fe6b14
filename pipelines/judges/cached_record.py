"""The record of a cached network: where it is, and which data and weights it says it has."""

from contextlib import suppress
from pathlib import Path

import msgspec

from pipelines.data.prepared.data_folder import DataFolder, beside
from t2i_tf.errors import UserError
from t2i_tf.json_files import read_json

ABOUT = "about.json"
CLASSIFIER = "classifier"  # the name of the network that evaluations take their features from
DIGIT_JUDGE = "digit-judge"  # the name of the network that reads digits


class About(msgspec.Struct, frozen=True):
    """The contents of about.json."""

    data: str  # `DataFolder.fingerprint`
    weights: str  # `fingerprint` of the network
    figures: dict[str, float]  # what training measured


def cache_of(folder: DataFolder, name: str) -> Path:
    """The folder of a network that is cached beside a data folder, `DATA-name`."""
    return beside(folder.path.resolve(), name)


def cached_weights(folder: DataFolder, name: str) -> str | None:
    """The fingerprint of a cached network; None where there is none, or none that can be read."""
    with suppress(UserError):  # which those report that need the network
        return read_json(cache_of(folder, name) / ABOUT, About).weights
    return None
