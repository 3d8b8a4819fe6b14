"""Small networks that judge pictures: trained once on a data folder, and kept beside it.

DATA-classifier/      or another name
    weights.npz       by the variables' paths
    about.json        the fingerprints of data and weights, and what training measured
"""

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import msgspec
import numpy as np
from rich.progress import track

from pipelines.data.prepared.data_folder import DataFolder
from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically
from t2i_tf.json_files import read_json, write_json

WEIGHTS, ABOUT = "weights.npz", "about.json"

Batch = tuple[np.ndarray, np.ndarray]  # pictures and what the network should say of them


class About(msgspec.Struct, frozen=True):
    """What is known of a network that is kept."""

    data: str  # fingerprint of the data folder
    weights: str  # `fingerprint` of the network
    figures: dict[str, float]  # what training measured


def load_or_train(
    network: keras.Model,
    folder: DataFolder,
    name: str,
    train: Callable[[], Mapping[str, float]],
) -> About:
    """Give a network its weights: those that are kept, or new ones, which are kept then.

    Args:
        network: a built one.
        folder: the data that it is trained on.
        name: of its folder, beside the data folder: `DATA-name`.
        train: trains it, and gives the figures to keep.

    Raises:
        UserError: what is kept is damaged, or belongs to other data or another network.
    """
    whole = folder.path.resolve()  # `.` has no name
    path = whole.with_name(f"{whole.name}-{name}")
    if not (path / ABOUT).exists():
        about = About(folder.fingerprint, figures=dict(train()), weights=fingerprint(network))
        path.mkdir(parents=True, exist_ok=True)
        weights = {weight.path: weight.numpy() for weight in network.weights}
        write_atomically(path / WEIGHTS, lambda file: np.savez(file, **weights))
        write_json(path / ABOUT, about)
        return about
    about = read_json(path / ABOUT, About)
    if about.data != folder.fingerprint:
        raise UserError(
            f"{path} was trained on other data than {folder.path} has now. Delete it: it is trained"
            " again."
        )
    _restore(network, path, about)
    return about


def fingerprint(network: keras.Model) -> str:
    """SHA-256 of the weights, hexadecimal."""
    digest = hashlib.sha256()
    for weight in network.weights:
        digest.update(f"{weight.path}{list(weight.shape)}".encode())
        digest.update(weight.numpy().tobytes())
    return digest.hexdigest()


def train_steps(
    network: keras.Model,
    loss: keras.losses.Loss,
    batches: Callable[[int], Batch],
    *,
    steps: int,
    learning_rate: float,
    what: str,
) -> None:
    """Train with Adam for so many steps, the rate falling to 0 by a cosine; shows the progress.

    Args:
        batches: makes the batch of a step.
        learning_rate: of the first step.
        what: is trained, for the progress bar.
    """
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    network.compile(keras.optimizers.Adam(schedule), loss, jit_compile=False)
    for step in track(range(steps), f"Training {what}"):
        network.train_on_batch(*batches(step))


def _restore(network: keras.Model, path: Path, about: About) -> None:
    try:
        with np.load(path / WEIGHTS) as archive:
            for weight in network.weights:
                weight.assign(archive[weight.path])
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path / WEIGHTS} cannot be read ({error}). Delete {path}: it is trained again."
        ) from None
    if fingerprint(network) != about.weights:
        raise UserError(
            f"{path / WEIGHTS} is not what {ABOUT} tells of. Delete {path}: it is trained again."
        )
