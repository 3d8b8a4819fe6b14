"""Small networks that judge images: trained once on a data folder, and cached beside it.

Of several processes that need the same network at once, one trains it, and the others wait.

DATA-classifier/      or another name
    weights.npz       weights by the variables' paths
    about.json        fingerprints of the data and the weights, and what training measured
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np
from rich.progress import track

from pipelines.data.prepared.data_folder import DataFolder, make_beside
from pipelines.file_lock import make_once
from pipelines.judges.cached_record import ABOUT, About, cache_of
from t2i_tf.errors import UserError, first_line
from t2i_tf.files import DAMAGE, write_atomically
from t2i_tf.json_files import read_json, write_json

WEIGHTS = "weights.npz"

Batch = tuple[np.ndarray, np.ndarray]  # images and their labels


def load_or_train(
    network: keras.Model,
    folder: DataFolder,
    name: str,
    train: Callable[[], Mapping[str, float]],
) -> About:
    """Load the cached weights of a network; if there are none, train it and cache them.

    Args:
        network: A built network.
        folder: Data that it is trained on.
        name: Suffix of the cache's folder, `DATA-name` beside the data folder.
        train: Trains the network; returns the measurements to cache.

    Raises:
        UserError: the cache is damaged, or belongs to other data or another network.
    """
    path = cache_of(folder, name)
    make_beside(path)
    busy = f"Another process trains {path.name}. Waiting for its end."
    make_once(path / ABOUT, path / ".lock", busy, lambda: _train(network, folder, path, train))
    about = read_json(path / ABOUT, About, f"Delete {path} to train it again.")
    if about.data != folder.fingerprint:
        raise UserError(
            f"{path} was trained on other data than {folder.path} holds now. Delete it to train it"
            " again."
        )
    _restore(network, path, about)
    return about


def _train(
    network: keras.Model, folder: DataFolder, path: Path, train: Callable[[], Mapping[str, float]]
) -> None:
    """Train a network, and cache it; the file that says of what comes last."""
    about = About(folder.fingerprint, figures=dict(train()), weights=fingerprint(network))
    weights = {weight.path: weight.numpy() for weight in network.weights}
    write_atomically(path / WEIGHTS, lambda file: np.savez(file, **weights))
    write_json(path / ABOUT, about)


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
    """Train with Adam for `steps` steps, with a progress bar; the rate decays to 0 by a cosine.

    Args:
        batches: Returns the batch of a step.
        learning_rate: Learning rate of the first step.
        what: Name of the network in the progress bar.
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
    except DAMAGE as error:
        raise UserError(
            f"{path / WEIGHTS} cannot be read ({first_line(error)}). Delete {path} to train it"
            " again."
        ) from None
    if fingerprint(network) != about.weights:
        raise UserError(
            f"{path / WEIGHTS} does not match {ABOUT}. Delete {path} to train it again."
        )
