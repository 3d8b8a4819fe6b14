"""A trained model draws captions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipelines.sampling.sharpener import Sharpener
from t2i_tf.checkpoints import Trained
from t2i_tf.errors import UserError
from t2i_tf.models import Drawing
from t2i_tf.text.tokenizer import Tokenizer, split_words

BATCH = 32  # pictures drawn at a time


class Sample(NamedTuple):
    """One picture of a caption, and how it came about."""

    caption: str
    seed: int
    words: tuple[str, ...]  # N of them
    image: np.ndarray  # uint8 [H, W, C]
    canvases: np.ndarray  # uint8 [T, H, W, C]; the last is the image
    alignment: np.ndarray  # float32 [T, N], attention over the words
    windows: np.ndarray  # float32 [T, 4]: top, left, bottom, right of the write window, pixels
    sharpened: np.ndarray | None = None  # uint8 [H, W, C], where there is a sharpener


class Sampler:
    """Draws captions with a trained model, and sharpens them where a sharpener is given.

    Every batch has the same size and every caption the same length, both filled up: the graph is
    traced once, and a caption with a seed is the same picture, alone or among others.

    Raises:
        UserError: the model draws no captions, or pictures of another size than the sharpener's.
    """

    def __init__(self, trained: Trained, sharpener: Sharpener | None = None):
        self.model = trained.model
        if not hasattr(self.model, "generate"):
            raise UserError(
                f"Expected a run of a text-to-image system, got one of {type(self.model).__name__},"
                " which draws no captions."
            )
        self.max_words = trained.config.max_words
        self.tokenizer = Tokenizer(trained.vocabulary, self.max_words)
        self.sharpener = sharpener
        if sharpener:
            sharpener.check_size(trained.config.model)
        self._read = tf.function(trained.reader)
        self._generate = tf.function(self._draw_batch)

    def draw(
        self, captions: Sequence[str], *, n: int = 1, seed: int = 0, temperature: float = 1.0
    ) -> list[list[Sample]]:
        """`n` pictures of each caption, from the seeds `seed`, `seed` + 1, ...

        Raises:
            UserError: see `draw_pairs`; also for no caption, and for n < 1.
        """
        if not captions:
            raise UserError("Expected at least one caption, got none.")
        if n < 1:
            raise UserError(f"Expected one picture a caption or more, got n = {n}.")
        pairs = [(caption, seed + k) for caption in captions for k in range(n)]
        drawn = self.draw_pairs(pairs, temperature=temperature)
        return [drawn[k : k + n] for k in range(0, len(drawn), n)]

    def draw_pairs(
        self, pairs: Sequence[tuple[str, int]], *, temperature: float = 1.0
    ) -> list[Sample]:
        """A picture of each (caption, seed).

        Raises:
            UserError: for a caption without words or with too many, and a negative temperature.
        """
        if not temperature >= 0:
            raise UserError(f"Expected a temperature of 0 or more, got {temperature}.")
        for caption in dict.fromkeys(caption for caption, _ in pairs):
            self._check(caption)
        batches = (pairs[k : k + BATCH] for k in range(0, len(pairs), BATCH))
        return [drawn for batch in batches for drawn in self._draw(batch, temperature)]

    def unknown_words(self, captions: Sequence[str]) -> list[str]:
        """The words that the model does not know, each once, in order."""
        found = (word for caption in captions for word in self.tokenizer.unknown_words(caption))
        return list(dict.fromkeys(found))

    def _check(self, caption: str) -> None:
        count = len(split_words(caption))
        if not count:
            raise UserError(f"Expected a caption with words, got {caption!r}.")
        if count > self.max_words:
            raise UserError(
                f"The caption {caption!r} has {count} words, punctuation marks included; this model"
                f" reads {self.max_words} at most. Make it shorter."
            )

    def _draw(self, pairs: Sequence[tuple[str, int]], temperature: float) -> list[Sample]:
        filled = [*pairs, *[pairs[-1]] * (BATCH - len(pairs))]
        captions, seeds = zip(*filled, strict=True)
        captions = tf.constant(captions)
        drawing, sharpened = self._generate(
            self._read(captions),
            self.sharpener.read(captions) if self.sharpener else (),
            tf.constant(seeds, tf.int64),
            tf.constant(temperature, tf.float32),
        )
        return [
            _drawn(drawing, k, caption, seed, sharpened) for k, (caption, seed) in enumerate(pairs)
        ]

    def _draw_batch(self, caption, sentence, seeds, temperature):
        drawing = self.model.generate(caption, self.model.noise(seeds, temperature))
        sharpened = self.sharpener(drawing.image, sentence) if self.sharpener else None
        pixels = Drawing(
            *(to_pixels(floats) for floats in drawing[:2]),
            *(tf.cast(numbers, tf.float32) for numbers in drawing[2:]),
        )
        return pixels, None if sharpened is None else to_pixels(sharpened)


def to_pixels(floats: tf.Tensor) -> tf.Tensor:
    """Numbers in [0, 1] as uint8."""
    return tf.cast(tf.round(255 * tf.cast(floats, tf.float32)), tf.uint8)


def _drawn(drawing: Drawing, k: int, caption: str, seed: int, sharpened) -> Sample:
    """Picture k of a batch, without what fills its caption up."""
    image, canvases, alignment, windows = (tensor[k].numpy() for tensor in drawing)
    words = tuple(split_words(caption))
    sharp = None if sharpened is None else sharpened[k].numpy()
    return Sample(caption, seed, words, image, canvases, alignment[:, : len(words)], windows, sharp)
