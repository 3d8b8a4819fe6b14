"""Draws captions with a trained text-to-image system."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import tensorflow as tf
from rich.progress import track

from pipelines.sampling.caption_fit import caption_fit
from pipelines.sampling.sharpener import Sharpener
from pipelines.sampling.steering import Steering
from t2i_tf.checkpoints import Trained
from t2i_tf.errors import UsageError, UserError
from t2i_tf.image_ops import to_pixels
from t2i_tf.models import Drawing
from t2i_tf.models.text_to_image import DRAWN_AT_ONCE
from t2i_tf.number_ranges import SEED, TEMPERATURE
from t2i_tf.text.tokenizer import Tokenizer, check_caption, split_words
from t2i_tf.text.vocabulary import Vocabulary

BATCH = DRAWN_AT_ONCE  # images drawn at a time, with their canvases, alignments and windows
IMAGE_BATCH = 50  # images drawn at a time where nothing else is kept
UNSTEERED = Steering()

Drawn = TypeVar("Drawn")


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
    score: float | None = None  # by which it was chosen, nats, if it is the best of several


class SampledImages(NamedTuple):
    """Drawn images and, if requested, the same images sharpened."""

    images: np.ndarray  # uint8 [n, H, W, C]
    sharpened: np.ndarray | None


class Sampler:
    """Draws captions with a trained system, and sharpens the images if there is a sharpener.

    All batches are padded to one size and all captions to one length: each graph is traced once,
    and a caption with a seed gives the same image, alone or among others.

    Args:
        trained: Run of a text-to-image system, from `load_trained`.
        sharpener: Sharpener of images of the same size.
        steering: Guidance and best of n, for all that is drawn. A sample that was chosen has the
            seed that draws it without choosing.

    Raises:
        UsageError: see `Steering.checked`.
        UserError: the model draws no captions, its images have another size than the sharpener's,
            or it cannot be guided or judged in this way.
    """

    def __init__(
        self,
        trained: Trained,
        sharpener: Sharpener | None = None,
        steering: Steering = UNSTEERED,
    ):
        self.model = trained.model
        if not hasattr(self.model, "generate"):
            raise UserError(
                f"Expected a run of a text-to-image system, got a model of type"
                f" {type(self.model).__name__}, which draws no captions."
            )
        self.max_words = trained.config.max_words
        self.tokenizer = Tokenizer(trained.reader.vocabulary, self.max_words)
        self.sharpener = sharpener
        if sharpener:
            sharpener.check_size(trained.config.model)
        self.steering = steering.checked()
        self._other = self._read_other(trained)
        self._fit = caption_fit(trained, steering) if steering.best_of > 1 else None
        self._read = tf.function(trained.reader, autograph=False)
        self._noise = tf.function(self.model.noise, autograph=False)
        self._generate = tf.function(self._draw_batch, autograph=False)
        # XLA would give other noise and has slow convolutions: noise and sharpener stay outside it.
        self._generate_image = tf.function(
            lambda caption, noise: self._guided(caption, noise).image,
            autograph=False,
            jit_compile=trained.config.xla,
        )
        self._pixels = tf.function(to_pixels, autograph=False)
        self._sharpen = tf.function(
            lambda image, sentence: to_pixels(sharpener(image, sentence)), autograph=False
        )

    def draw(
        self, captions: Sequence[str], *, n: int = 1, seed: int = 0, temperature: float = 1.0
    ) -> list[list[Sample]]:
        """Draw `n` images of each caption, from the seeds `seed`, `seed` + 1, ...

        Raises:
            UsageError: there is no caption, or n < 1; see also `draw_pairs`.
            UserError: see `draw_pairs`.
        """
        if not captions:
            raise UsageError("Expected at least one caption, in quotes, got none.")
        if n < 1:
            raise UsageError(f"Expected at least one image per caption, got n = {n}.")
        pairs = [(caption, seed + k) for caption in captions for k in range(n)]
        many = self.steering.best_of > 1 and len(pairs) * self.steering.best_of > BATCH
        description = "Drawing candidates" if many else None
        drawn = self.draw_pairs(pairs, temperature=temperature, description=description)
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
            UsageError: a seed is too large for best of n.
            UserError: a caption has no words or too many, or the temperature is negative.
        """
        if temperature not in TEMPERATURE:
            raise UserError(f"Expected a temperature of {TEMPERATURE}, got {temperature}.")
        for caption in dict.fromkeys(caption for caption, _ in pairs):
            check_caption(caption, self.max_words, self.tokenizer.vocabulary)
        candidates = self._candidates(pairs)
        starts = range(0, len(candidates), BATCH)
        starts = track(starts, description, transient=True) if description else starts
        drawn = (one for k in starts for one in self._draw(candidates[k : k + BATCH], temperature))
        return self._best(drawn, lambda sample: sample.score)

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
        pairs = zip(captions, map(int, seeds), strict=True)
        candidates = self._candidates(list(pairs))
        sharpen = sharpen and self.sharpener is not None
        starts = range(0, len(candidates), IMAGE_BATCH)
        drawn = (
            one
            for k in track(starts, description, transient=True)
            for one in self._draw_bare(candidates[k : k + IMAGE_BATCH], sharpen)
        )
        best = self._best(drawn, lambda one: one[0])
        _, images, sharpened = zip(*best, strict=True)
        return SampledImages(np.stack(images), np.stack(sharpened) if sharpen else None)

    def unknown_words(self, captions: Sequence[str]) -> list[str]:
        """The words that the model, or its sentence encoder, does not know; each once, in order."""
        unknown = (word for caption in captions for word in self.tokenizer.unknown_words(caption))
        return list(dict.fromkeys(unknown))

    def _read_other(self, trained: Trained) -> tf.Tensor | None:
        """The caption to move away from as the model reads it, [1, ...]; None for the empty one."""
        guidance, instead_of = self.steering.guidance, self.steering.instead_of
        if guidance == 0 and instead_of is None:
            return None
        if instead_of is not None:
            _check_other(instead_of, self.max_words, trained.reader.vocabulary)
        read = trained.reader(tf.constant([instead_of or "a"]))
        other = None if instead_of is None else read
        self.model.other_caption(read, guidance, other)  # its errors belong outside of a graph
        return other

    def _candidates(self, pairs: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        """The n drawings of each pair of which the best is kept; see `Steering`."""
        n = self.steering.best_of
        largest = max((seed for _, seed in pairs), default=0)
        if n > 1 and largest > SEED.high // n:
            raise UsageError(
                f"Expected --seed, and the seeds that follow it, to be at most {SEED.high // n}"
                f" with --best-of {n}, got {largest}."
            )
        return [(caption, n * seed + k) for caption, seed in pairs for k in range(n)]

    def _best(self, candidates: Iterable[Drawn], score: Callable[[Drawn], float]) -> list[Drawn]:
        """The first of the best of every n candidates. UserError for a score that is not finite."""
        best: list[Drawn] = []
        for k, candidate in enumerate(candidates):
            if self._fit and not math.isfinite(score(candidate)):
                raise UserError(
                    f"Expected finite scores of drawings to choose by, got {score(candidate)}: the"
                    " weights of the model or of the captioner are damaged, or a training diverged."
                )
            if k % self.steering.best_of == 0:
                best.append(candidate)
            elif score(candidate) > score(best[-1]):
                best[-1] = candidate
        return best

    def _guided(self, caption: tf.Tensor, noise: tf.Tensor) -> Drawing:
        other = self._other
        if other is not None:
            other = tf.repeat(other, tf.shape(caption)[0], axis=0)
        return self.model.generate(caption, noise, self.steering.guidance, other)

    def _draw_bare(
        self, pairs: Sequence[tuple[str, int]], sharpen: bool
    ) -> Iterator[tuple[float, np.ndarray, np.ndarray | None]]:
        """Score, image and sharpened image of each pair; 0 and None for what is not asked for."""
        captions, seeds = _padded(pairs, IMAGE_BATCH)
        strings = tf.constant(captions)
        floats = self._generate_image(self._read(strings), self._noise(tf.constant(seeds)))
        images = self._pixels(floats)
        scores = self._fit(images, captions, xla=True) if self._fit else np.zeros(len(captions))
        sharpened = [None] * len(captions)
        if sharpen:
            sharpened = self._sharpen(floats, self.sharpener.read(strings)).numpy()
        rows = zip(scores, images.numpy(), sharpened, strict=True)
        return itertools.islice(rows, len(pairs))

    def _draw(self, pairs: Sequence[tuple[str, int]], temperature: float) -> list[Sample]:
        captions, seeds = _padded(pairs, BATCH)
        strings = tf.constant(captions)
        drawing, sharpened = self._generate(
            self._read(strings),
            self.sharpener.read(strings) if self.sharpener else (),
            tf.constant(seeds),
            tf.constant(temperature, tf.float32),
        )
        scores = self._fit(drawing.image, captions).tolist() if self._fit else [None] * BATCH
        return [
            self._sample(drawing, k, caption, seed, sharpened)._replace(score=scores[k])
            for k, (caption, seed) in enumerate(pairs)
        ]

    def _sample(self, drawing: Drawing, k: int, caption: str, seed: int, sharpened) -> Sample:
        """Image k of a batch, without the padding of its caption."""
        image, canvases, alignment, windows = (tensor[k].numpy() for tensor in drawing)
        words = tuple(split_words(caption, self.tokenizer.vocabulary))
        alignment = alignment[:, : len(words)]
        sharp = None if sharpened is None else sharpened[k].numpy()
        return Sample(caption, seed, words, image, canvases, alignment, windows, sharp)

    def _draw_batch(self, caption, sentence, seeds, temperature):
        drawing = self._guided(caption, self.model.noise(seeds, temperature))
        sharpened = self.sharpener(drawing.image, sentence) if self.sharpener else None
        return drawing.in_pixels(), None if sharpened is None else to_pixels(sharpened)


def _check_other(caption: str, max_words: int, vocabulary: Vocabulary) -> None:
    """`check_caption` of the caption to move away from, which the error names."""
    try:
        check_caption(caption, max_words, vocabulary)
    except UserError as error:
        raise UserError(f"--instead-of: {error}") from None


def _padded(pairs: Sequence[tuple[str, int]], count: int) -> tuple[list[str], np.ndarray]:
    """Captions and seeds int64 of a batch of `count`: the last pair is repeated."""
    captions, seeds = zip(*pairs, *[pairs[-1]] * (count - len(pairs)), strict=True)
    return list(captions), np.array(seeds, np.int64)
