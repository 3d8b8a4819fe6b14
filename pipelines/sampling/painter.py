"""Many drawings of captions, by a program compiled once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from rich.progress import track

from pipelines.sampling.sampler import to_pixels
from pipelines.sampling.sharpener import Sharpener
from t2i_tf.checkpoints import Trained

BATCH = 50  # pictures at a time


class Painted(NamedTuple):
    """Drawings, and the same sharpened where there is a sharpener; uint8 [n, H, W, C]."""

    images: np.ndarray
    sharpened: np.ndarray | None


class Painter:
    """Draws pictures and keeps nothing else of them; a caption with a seed is one picture.

    Args:
        trained: a text-to-image system.
        sharpener: of pictures of the same size.
        batch: pictures at a time.
    """

    def __init__(self, trained: Trained, sharpener: Sharpener | None = None, batch: int = BATCH):
        self.model, self.sharpener, self.batch = trained.model, sharpener, batch
        if sharpener:
            sharpener.check_size(trained.config.model)
        self._read = tf.function(trained.reader)
        self._noise = tf.function(self.model.noise)
        # XLA chooses other normals, and slow convolutions: it has neither noise nor sharpener.
        self._draw = tf.function(
            lambda caption, noise: self.model.generate(caption, noise).image,
            jit_compile=trained.config.xla,
        )
        self._pixels = tf.function(to_pixels)
        self._sharpen = tf.function(lambda image, sentence: to_pixels(sharpener(image, sentence)))

    def paint(
        self, captions: Sequence[str], seeds: Sequence[int], what: str, *, sharpen: bool = False
    ) -> Painted:
        """A picture of each caption with its seed.

        Args:
            what: is drawn, for the progress bar.
            sharpen: each of them, if there is a sharpener.
        """
        images, sharpened = [], []
        for start in track(range(0, len(captions), self.batch), what, transient=True):
            rows = np.minimum(np.arange(start, start + self.batch), len(captions) - 1)
            strings = tf.constant([captions[k] for k in rows])
            noise = self._noise(tf.constant([int(seeds[k]) for k in rows], tf.int64))
            image = self._draw(self._read(strings), noise)
            images.append(self._pixels(image).numpy())
            if sharpen and self.sharpener:
                sharpened.append(self._sharpen(image, self.sharpener.read(strings)).numpy())
        count = len(captions)
        return Painted(
            np.concatenate(images)[:count], np.concatenate(sharpened)[:count] if sharpened else None
        )
