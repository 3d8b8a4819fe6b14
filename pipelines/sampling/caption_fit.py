"""How well images fit their captions: scores by which the best of several drawings is kept."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import tensorflow as tf

from pipelines.sampling.steering import Steering
from t2i_tf.checkpoints import Trained
from t2i_tf.errors import UserError
from t2i_tf.hub.pretrained import load_trained
from t2i_tf.image_ops import check_same_shape, image_shape
from t2i_tf.text.vocabulary import UNKNOWN


class CaptionFit(Protocol):
    """A score of images and their captions, nats; higher is better, for one caption."""

    def __call__(
        self, images: tf.Tensor, captions: Sequence[str], *, xla: bool = False
    ) -> np.ndarray:
        """Scores [B] of images uint8 [B, H, W, C]; `xla` allows compiling for many images."""
        ...


def caption_fit(trained: Trained, steering: Steering) -> CaptionFit:
    """The score of a steering: that of its captioner, or else the model's own.

    Raises:
        UserError: the captioner is none, or was trained on images of another size; or there is
            neither a captioner nor a bound with another caption to compare with.
    """
    if steering.captioner is not None:
        return CaptionerFit(steering.captioner, trained)
    return BoundGain(trained, steering.instead_of)


class BoundGain:
    """How many nats likelier a caption makes an image: L(x | y) - L(x | other).

    L(x | y) alone would keep the plainest images, which are likely with every caption. `other` is
    the empty caption, or that of `instead_of`. Both bounds use the noise of seed 0.

    Args:
        trained: System that draws.
        instead_of: Caption to compare with; None for the empty one.

    Raises:
        UserError: the system has no bound, or no empty caption where it is needed.
    """

    def __init__(self, trained: Trained, instead_of: str | None = None):
        self.model = trained.model
        if self.model.bound is None:
            raise UserError(
                f"The {self.model.title} has no bound by which --best-of could choose. Give the"
                " work folder of a captioner with --captioner."
            )
        if instead_of is None and not self.model.has_empty_caption:
            raise UserError(
                f"--best-of chooses by how much likelier a caption makes a drawing, but this"
                f" {self.model.title} has no empty caption to compare with: it was trained without"
                " --caption-dropout. Give the work folder of a captioner with --captioner, or"
                " another caption with --instead-of."
            )
        self._other = None if instead_of is None else trained.reader(tf.constant([instead_of]))
        self._read = tf.function(trained.reader, autograph=False)
        self._noise = tf.function(self.model.noise, autograph=False)
        self._plain = tf.function(self._gain, autograph=False)
        self._compiled = tf.function(self._gain, autograph=False, jit_compile=trained.config.xla)

    def __call__(self, images, captions, *, xla=False):  # noqa: D102
        caption = self._read(tf.constant(captions))
        noise = self._noise(tf.zeros([len(captions)], tf.int64))
        return (self._compiled if xla else self._plain)(images, caption, noise).numpy()

    def _gain(self, image, caption, noise):
        other = self._other
        if other is not None:
            other = tf.repeat(other, tf.shape(caption)[0], axis=0)
        return self.model.gain(image, caption, noise, other)


class CaptionerFit:
    """The log-probability of the caption given the image, by an image captioner.

    Words beyond the captioner's longest caption do not count. A line says so where the system that
    draws reads longer ones, and another where it knows words that the captioner does not.

    Args:
        workdir: Work folder or preset of the captioner.
        drawing: System that draws.

    Raises:
        UserError: there is no such run, it is no captioner's, or was trained on images of another
            size.
    """

    def __init__(self, workdir: str | Path, drawing: Trained):
        try:
            trained = load_trained(workdir)
        except UserError as error:
            raise UserError(f"--captioner: {error}") from error
        if not hasattr(trained.model, "describe"):
            raise UserError(
                f"Expected --captioner to be the work folder of a captioner, {workdir} holds"
                f" {type(trained.model).__name__}."
            )
        check_same_shape(
            image_shape(trained.config.model),
            image_shape(drawing.config.model),
            "The captioner was trained on images of {expected}, the model draws {found}",
            "Train a captioner on the model's data folder.",
        )
        for line in _not_read(workdir, trained, drawing):
            print(line)
        self.model = trained.model
        self._read = tf.function(trained.reader, autograph=False)
        self._log_probability = tf.function(self._fit, autograph=False)

    def __call__(self, images, captions, *, xla=False):  # noqa: D102
        return self._log_probability(images, self._read(tf.constant(captions))).numpy()

    def _fit(self, image, token_ids):
        noise = tf.zeros([0, tf.shape(image)[0], 0])
        return -self.model.terms({"image": image, "token_ids": token_ids}, noise)["loss"]


def _not_read(captioner: str | Path, judge: Trained, drawing: Trained) -> Iterator[str]:
    """Lines on what the captioner cannot read of the captions that the system draws."""
    words = drawing.vocabulary.entries[UNKNOWN + 1 :]
    known = sum(word in judge.vocabulary for word in words)
    if known < len(words):
        yield (
            f"The captioner {captioner} knows {known:,} of the model's {len(words):,} words, and"
            " reads every other as one unknown word: it was trained on other captions."
        )
    longest = judge.config.max_words
    if longest < drawing.config.max_words:
        yield (
            f"The captioner {captioner} reads the first {longest} words and marks of a caption, the"
            f" model {drawing.config.max_words}."
        )
