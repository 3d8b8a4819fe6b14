"""Draws captions with a trained text-to-image system."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from rich.progress import track

from pipelines.sampling.sharpener import Sharpener
from t2i_tf.checkpoints import Trained
from t2i_tf.errors import UserError
from t2i_tf.image_ops import to_pixels
from t2i_tf.models import Drawing
from t2i_tf.text.tokenizer import Tokenizer, split_words

BATCH = 32  # images drawn at a time, with their canvases, alignments and windows
IMAGE_BATCH = 50  # images drawn at a time where nothing else is kept


class Sample(NamedTuple):
    """One image drawn for a caption, and the steps that led to it."""

    caption: str
    seed: int
    words: tuple[str, ...]  # N of them
    image: np.ndarray  # uint8 [H, W, C]
    canvases: np.ndarray  # uint8 [T, H, W, C]; the last is the image
    alignment: np.ndarray  # float32 [T, N], attention over the words
    windows: np.ndarray  # float32 [T, 4]: top, left, bottom, right of the write window, pixels
    sharpened: np.ndarray | None = None  # uint8 [H, W, C], if there is a sharpener


class SampledImages(NamedTuple):
    """Drawn images and, if requested, the same images sharpened."""

    images: np.ndarray  # uint8 [n, H, W, C]
    sharpened: np.ndarray | None


class Sampler:
    """Draws captions with a trained system, and sharpens the images if there is a sharpener.

    All batches are padded to one size and all captions to one length: each graph is traced once,
    and a caption with a seed gives the same image, alone or among others.

    Args:
        trained: Run of a text-to-image system, from `t2i_tf.checkpoints.load`.
        sharpener: Sharpener of images of the same size.

    Raises:
        UserError: the model draws no captions, or its images have another size than the
            sharpener's.
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
        self._noise = tf.function(self.model.noise)
        self._generate = tf.function(self._draw_batch)
        # XLA would give other noise and has slow convolutions: noise and sharpener stay outside it.
        self._generate_image = tf.function(
            lambda caption, noise: self.model.generate(caption, noise).image,
            jit_compile=trained.config.xla,
        )
        self._pixels = tf.function(to_pixels)
        self._sharpen = tf.function(lambda image, sentence: to_pixels(sharpener(image, sentence)))

    def draw(
        self, captions: Sequence[str], *, n: int = 1, seed: int = 0, temperature: float = 1.0
    ) -> list[list[Sample]]:
        """Draw `n` images of each caption, from the seeds `seed`, `seed` + 1, ...

        Raises:
            UserError: see `draw_pairs`; also if there is no caption, or n < 1.
        """
        if not captions:
            raise UserError("Expected at least one caption, got none.")
        if n < 1:
            raise UserError(f"Expected at least one image per caption, got n = {n}.")
        pairs = [(caption, seed + k) for caption in captions for k in range(n)]
        drawn = self.draw_pairs(pairs, temperature=temperature)
        return [drawn[k : k + n] for k in range(0, len(drawn), n)]

    def draw_pairs(
        self,
        pairs: Sequence[tuple[str, int]],
        *,
        temperature: float = 1.0,
        description: str | None = None,
    ) -> list[Sample]:
        """Draw an image for each pair of a caption and a seed.

        Args:
            pairs: Captions with seeds.
            temperature: Standard deviation of the noise.
            description: Label of a progress bar; no bar by default.

        Raises:
            UserError: a caption has no words or too many, or the temperature is negative.
        """
        if not temperature >= 0:
            raise UserError(f"Expected a temperature of 0 or more, got {temperature}.")
        for caption in dict.fromkeys(caption for caption, _ in pairs):
            self._check(caption)
        starts = range(0, len(pairs), BATCH)
        starts = track(starts, description, transient=True) if description else starts
        return [drawn for k in starts for drawn in self._draw(pairs[k : k + BATCH], temperature)]

    def draw_images(
        self,
        captions: Sequence[str],
        seeds: Sequence[int],
        description: str,
        *,
        sharpen: bool = False,
    ) -> SampledImages:
        """Draw an image of each caption, without its steps: the fast way to many images.

        Args:
            captions: Captions of any length; words beyond the model's maximum are dropped.
            seeds: A seed for each caption.
            description: Label of the progress bar.
            sharpen: Whether to sharpen the images too, if there is a sharpener.
        """
        images, sharpened = [], []
        for start in track(range(0, len(captions), IMAGE_BATCH), description, transient=True):
            rows = np.minimum(np.arange(start, start + IMAGE_BATCH), len(captions) - 1)
            strings = tf.constant([captions[k] for k in rows])
            noise = self._noise(tf.constant([int(seeds[k]) for k in rows], tf.int64))
            image = self._generate_image(self._read(strings), noise)
            images.append(self._pixels(image).numpy())
            if sharpen and self.sharpener:
                sharpened.append(self._sharpen(image, self.sharpener.read(strings)).numpy())
        count = len(captions)
        return SampledImages(
            np.concatenate(images)[:count], np.concatenate(sharpened)[:count] if sharpened else None
        )

    def unknown_words(self, captions: Sequence[str]) -> list[str]:
        """The words outside the model's vocabulary, each once, in order."""
        unknown = (word for caption in captions for word in self.tokenizer.unknown_words(caption))
        return list(dict.fromkeys(unknown))

    def _check(self, caption: str) -> None:
        count = len(split_words(caption))
        if not count:
            raise UserError(f"Expected a caption with words, got {caption!r}.")
        if count > self.max_words:
            raise UserError(
                f"The caption {caption!r} has {count} words, punctuation marks included; this model"
                f" reads at most {self.max_words}. Shorten the caption."
            )

    def _draw(self, pairs: Sequence[tuple[str, int]], temperature: float) -> list[Sample]:
        padded = [*pairs, *[pairs[-1]] * (BATCH - len(pairs))]
        captions, seeds = zip(*padded, strict=True)
        captions = tf.constant(captions)
        drawing, sharpened = self._generate(
            self._read(captions),
            self.sharpener.read(captions) if self.sharpener else (),
            tf.constant(seeds, tf.int64),
            tf.constant(temperature, tf.float32),
        )
        return [
            _sample(drawing, k, caption, seed, sharpened) for k, (caption, seed) in enumerate(pairs)
        ]

    def _draw_batch(self, caption, sentence, seeds, temperature):
        drawing = self.model.generate(caption, self.model.noise(seeds, temperature))
        sharpened = self.sharpener(drawing.image, sentence) if self.sharpener else None
        pixels = Drawing(
            *(to_pixels(floats) for floats in drawing[:2]),
            *(tf.cast(numbers, tf.float32) for numbers in drawing[2:]),
        )
        return pixels, None if sharpened is None else to_pixels(sharpened)


def _sample(drawing: Drawing, k: int, caption: str, seed: int, sharpened) -> Sample:
    """Image k of a batch, without the padding of its caption."""
    image, canvases, alignment, windows = (tensor[k].numpy() for tensor in drawing)
    words = tuple(split_words(caption))
    sharp = None if sharpened is None else sharpened[k].numpy()
    return Sample(caption, seed, words, image, canvases, alignment[:, : len(words)], windows, sharp)
