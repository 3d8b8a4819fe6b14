"""Sentence vectors of a data folder's captions: computed once, and kept beside it.

DATA-sentences/5f0c...a1/   one folder for each encoder, named by its fingerprint
    about.json              the fingerprints of encoder and data
    encoder.npz             the encoder itself, standardized on captions of the training split
    train.npy, val.npy ...  float32 [captions, D], in the order of records and captions
"""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from pipelines.data.precomputed.cached_array import cached_rows
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_captions
from t2i_tf import checkpoints
from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically
from t2i_tf.sentence_encoder.encoder import SentenceEncoder, load_encoder
from t2i_tf.sentence_encoder.published_weights import is_published, load_published

ENCODER, ABOUT = "encoder.npz", "about.json"
STANDARD = 10_000  # captions that mean and deviation are taken of, at most


class Sentences:
    """The vectors of a data folder's captions, as one encoder makes them.

    Args:
        folder: the data.
        encoder: makes a vector float32 [D] of a caption; it is standardized here.

    Raises:
        UserError: the vectors that are there were made for other data.
    """

    def __init__(self, folder: DataFolder, encoder: SentenceEncoder):
        self.folder = folder
        self.path = root(folder) / encoder.fingerprint[:12]
        about = {"encoder": encoder.fingerprint, "data": folder.fingerprint}
        if not (self.path / ABOUT).exists():
            self.path.mkdir(parents=True, exist_ok=True)
            captions = read_captions(folder, "train")
            chosen = np.random.default_rng(0).permutation(len(captions))[:STANDARD]
            encoder.standardized(captions[chosen]).save(self.path / ENCODER)
            text = json.dumps(about, indent=2).encode()
            write_atomically(self.path / ABOUT, lambda file: file.write(text))
        elif json.loads((self.path / ABOUT).read_text()) != about:
            raise UserError(
                f"{self.path} holds the sentence vectors of other data than {folder.path} has now. "
                "Delete it: the vectors are made again."
            )
        self.encoder = load_encoder(self.path / ENCODER)

    def vectors(self, split: str) -> np.ndarray:
        """The vectors of a split, float32 [captions, D]; computed at the first call."""
        captions = read_captions(self.folder, split)
        encode = tf.function(self.encoder, input_signature=[tf.TensorSpec([None], tf.string)])
        return cached_rows(
            self.path / f"{split}.npy",
            (len(captions), self.encoder.units),
            np.float32,
            lambda first, last: encode(tf.constant(captions[first:last])).numpy(),
            f"sentence vectors of {split}",
        )


def open_encoder(folder: DataFolder, path: Path | None) -> SentenceEncoder:
    """A sentence encoder.

    Args:
        folder: the data whose words it has to know.
        path: a file that an encoder was saved to, the work folder of a skip-thought run, or a
            folder of the published files. None: the only encoder that has vectors beside the data.

    Raises:
        UserError: there is none, or there are several to choose from.
    """
    path = _only_encoder(folder) if path is None else Path(path)
    if path.is_file():
        return load_encoder(path)
    if is_published(path):
        return load_published(path, folder.vocabulary)
    trained = checkpoints.load(path)
    if not hasattr(trained.model, "sentence_encoder"):
        raise UserError(
            f"{path} holds {type(trained.model).__name__}. Expected a sentence encoder: the work "
            "folder of a skip-thought preset, the published files, or a saved encoder.npz."
        )
    return trained.model.sentence_encoder(trained.vocabulary)


def root(folder: DataFolder) -> Path:
    """Where the vectors of a data folder are kept."""
    return folder.path.with_name(f"{folder.path.name}-sentences")


def _only_encoder(folder: DataFolder) -> Path:
    found = sorted(root(folder).glob(f"*/{ENCODER}"))
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(
            f"{root(folder)} has the vectors of {len(found)} encoders. Name one with --sentences: "
            f"{', '.join(map(str, found))}."
        )
    raise UserError(
        "This system reads sentence vectors. Train an encoder on the captions\n"
        f"  python -m pipelines train --preset skip-thought-scenes --data {folder.path} "
        "--workdir runs/skip-thought\n"
        "and name it once with --sentences runs/skip-thought; --sentences takes the folder of the "
        "published skip-thought files too."
    )
