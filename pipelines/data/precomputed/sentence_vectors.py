"""Sentence vectors of a data folder's captions: computed once, cached beside the folder.

DATA-sentences/5f0c...a1/   a folder for each encoder, named by its fingerprint
    about.json              fingerprints of the encoder and of the data
    encoder.npz             the encoder, standardized on captions of the training split
    train.npy, val.npy ...  float32 [captions, D], in the order of records and captions
"""

import shlex
from pathlib import Path

import numpy as np
import tensorflow as tf

from pipelines.data.precomputed.cached_array import cached_rows
from pipelines.data.prepared.data_folder import DataFolder, beside, make_beside
from pipelines.data.prepared.split_reader import CaptionReader
from t2i_tf.errors import UserError
from t2i_tf.hub.pretrained import load_trained
from t2i_tf.json_files import read_json, write_json
from t2i_tf.sentence_encoder.encoder import SentenceEncoder, load_encoder
from t2i_tf.sentence_encoder.published_weights import is_published, load_published
from t2i_tf.text.vocabulary import UNKNOWN, Vocabulary

ENCODER, ABOUT = "encoder.npz", "about.json"
_AGAIN = "the vectors are computed again."
STANDARD = 10_000  # captions to estimate mean and deviation from, at most
_NAMED = 6  # words that a line names, at most


class SentenceVectors:
    """The vectors of a data folder's captions from one encoder.

    Args:
        captions: Captions of the data folder.
        encoder: Encoder of a caption as a vector float32 [D]; it is standardized here.

    Raises:
        UserError: the cached vectors were computed for other data.
    """

    def __init__(self, captions: CaptionReader, encoder: SentenceEncoder):
        folder = captions.folder
        self.captions = captions
        self.path = root(folder) / encoder.fingerprint[:12]
        about = {"encoder": encoder.fingerprint, "data": folder.fingerprint}
        if not (self.path / ABOUT).exists():
            make_beside(self.path)
            text = captions.read("train").text
            sample = np.random.default_rng(0).permutation(len(text))[:STANDARD]
            encoder.standardized(text[sample]).save(self.path / ENCODER)
            write_json(self.path / ABOUT, about)
        elif read_json(self.path / ABOUT, dict, f"Delete {self.path}: {_AGAIN}") != about:
            raise UserError(
                f"{self.path} holds sentence vectors of other data than {folder.path} has now. "
                f"Delete it: {_AGAIN}"
            )
        self.encoder = load_encoder(self.path / ENCODER)

    def vectors(self, split: str) -> np.ndarray:
        """The vectors of a split, float32 [captions, D]; computed at the first call."""
        captions = self.captions.read(split).text
        encode = tf.function(
            self.encoder, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False
        )
        return cached_rows(
            self.path / f"{split}.npy",
            (len(captions), self.encoder.units),
            np.float32,
            lambda first, last: encode(tf.constant(captions[first:last])).numpy(),
            f"sentence vectors of {split}",
        )


def open_encoder(folder: DataFolder, path: str | Path | SentenceEncoder | None) -> SentenceEncoder:
    """A sentence encoder.

    Args:
        folder: Data folder, whose vocabulary the published encoder is expanded to.
        path: A saved encoder, the folder of the published files, or the work folder or preset of a
            skip-thought run; or an encoder itself. If None, the only encoder that has vectors
            beside the data folder.

    Raises:
        UserError: there is no such encoder, or there are several to choose from.
    """
    if path is not None and not isinstance(path, str | Path):
        return path
    path = _only_encoder(folder) if path is None else path
    local = Path(path)
    if local.is_file() and local.suffix != ".keras":
        return load_encoder(local)
    if is_published(local):
        return load_published(local, folder.vocabulary)
    trained = load_trained(path)
    if not hasattr(trained.model, "sentence_encoder"):
        raise UserError(
            f"{path} holds {type(trained.model).__name__}. Expected a sentence encoder: a trained "
            "skip-thought model, the published files, or a saved encoder.npz."
        )
    return trained.model.sentence_encoder(trained.vocabulary)


def unknown_to_encoder(encoder: SentenceEncoder, vocabulary: Vocabulary) -> list[str]:
    """A line about the words of the data that the encoder does not know; none if there are none."""
    words = vocabulary.entries[UNKNOWN + 1 :]
    unknown = [word for word in words if word not in encoder.vocabulary]
    if not unknown:
        return []
    more = ", ..." if len(unknown) > _NAMED else ""
    return [
        f"The sentence encoder reads {len(unknown):,} of the data's {len(words):,} words as one"
        f" unknown word, as it was trained on other captions: {', '.join(unknown[:_NAMED])}{more}."
    ]


def root(folder: DataFolder) -> Path:
    """The folder of a data folder's cached vectors."""
    return beside(folder.path, "sentences")


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
        "  python -m pipelines train --preset skip-thought-scenes"
        f" --data {shlex.quote(str(folder.path))} "
        "--workdir runs/skip-thought\n"
        "and name it once with --sentences runs/skip-thought. --sentences also takes the folder of "
        "the published skip-thought files."
    )
