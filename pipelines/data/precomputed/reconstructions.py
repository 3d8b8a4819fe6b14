"""A model's reconstructions of a data folder's images: computed once, cached beside the folder.

DATA-reconstructions/9ab3...01/    a folder for each model and range of lengths, by fingerprint
    train.npy, val.npy ...         uint8 [captions, H, W, C]
"""

import hashlib
from pathlib import Path

import numpy as np
import tensorflow as tf

from pipelines.data.precomputed.cached_array import cached_rows
from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import beside, make_beside
from pipelines.data.prepared.record_reader import CHUNK, read_split_records
from pipelines.data.prepared.split_reader import CaptionReader
from pipelines.data.prepared.tfrecords import parse_batch
from t2i_tf.errors import UserError
from t2i_tf.hub.pretrained import load_trained
from t2i_tf.image_ops import check_same_shape, image_shape, to_pixels


class Reconstructions:
    """The reconstruction of each (image, caption) pair from the model's posterior.

    Captions outside the length range are not encoded: their rows are black.

    Args:
        captions: Captions of the data folder.
        workdir: Work folder or preset of the model.
        lengths: Captions that the run uses.

    Raises:
        UserError: the model cannot reconstruct images, or its images have another size.
    """

    def __init__(self, captions: CaptionReader, workdir: str | Path, lengths: LengthRange):
        self.captions, self.lengths = captions, lengths
        self.folder = folder = captions.folder
        self.trained = load_trained(workdir)
        model = self.trained.model
        if not hasattr(model, "reconstruct"):
            raise UserError(
                f"{workdir} holds a model of type {type(model).__name__}, which reconstructs "
                "no picture. Expected a DRAW system or a VAE."
            )
        check_same_shape(
            image_shape(self.trained.config.model),
            folder.shape,
            f"{workdir} reconstructs images of {{expected}}, those of {folder.path} are {{found}}",
            "Name a model that was trained on this data folder.",
        )
        digest = hashlib.sha256(folder.fingerprint.encode())
        digest.update(f"{lengths.shortest} to {lengths.longest} words".encode())  # others are black
        for weight in model.weights:
            digest.update(weight.numpy().tobytes())
        self.path = beside(folder.path, "reconstructions") / digest.hexdigest()[:12]

    def pictures(self, split: str) -> np.ndarray:
        """The reconstructions of a split, uint8 [captions, H, W, C]; computed once."""
        make_beside(self.path)
        captions = self.captions.read(split)
        images = self._images(split)
        in_range = self.lengths.contains(captions.words)
        model, reader = self.trained.model, self.trained.reader

        @tf.function(autograph=False)
        def reconstruct(image, caption, seeds):
            return to_pixels(model.reconstruct(image, reader(caption), model.noise(seeds)))

        def compute(first, last):
            rows = np.zeros((last - first, *self.folder.shape), np.uint8)
            usable = np.flatnonzero(in_range[first:last])
            if len(usable):
                number = first + usable
                image, text = images[captions.picture[number]], captions.text[number]
                rows[usable] = reconstruct(image, tf.constant(text), number).numpy()
            return rows

        shape = (len(captions.text), *self.folder.shape)
        what = f"reconstructions of {split}"
        return cached_rows(self.path / f"{split}.npy", shape, np.uint8, compute, what)

    def _images(self, split: str) -> np.ndarray:
        records = read_split_records(self.folder, split).batch(CHUNK)
        shape = self.folder.shape
        chunks = records.map(lambda batch: parse_batch(batch, shape)["image"], tf.data.AUTOTUNE)
        return np.concatenate(list(chunks.as_numpy_iterator()))
