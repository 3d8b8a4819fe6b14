"""What trained models are used for, each a Keras model that takes strings and pixels."""

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple, TypeGuard

import keras
import numpy as np
import tensorflow as tf

from t2i_tf.errors import UsageError, UserError
from t2i_tf.hub.pretrained import PretrainedModel
from t2i_tf.image_ops import check_same_shape, image_shape, to_floats, to_pixels
from t2i_tf.models import Drawing
from t2i_tf.models.text_to_image import DRAWN_AT_ONCE
from t2i_tf.number_ranges import COUNT, GUIDANCE, SEED, TEMPERATURE
from t2i_tf.text.scripts import is_blank
from t2i_tf.text.tokenizer import check_caption, split_words

_registered = keras.saving.register_keras_serializable(package="t2i_tf")


class DrawnSteps(NamedTuple):
    """Pictures and the steps that led to them; T = 1 for a system without steps."""

    images: np.ndarray  # uint8 [B, H, W, C]
    canvases: np.ndarray  # uint8 [B, T, H, W, C]; the last is the image
    alignment: np.ndarray  # float32 [B, T, N], attention over the words; N = 0 without attention
    windows: np.ndarray  # float32 [B, T, 4], write window: top, left, bottom, right, pixels
    words: list[list[str]]  # of each caption, to which the first columns of `alignment` belong


@_registered
class TextToImage(PretrainedModel):
    """Captions to pictures.

    >>> model = TextToImage.from_preset("runs/scenes")  # doctest: +SKIP
    >>> model.generate(["a red car in the snow"], seed=0).shape  # doctest: +SKIP
    (1, 32, 32, 3)
    """

    ability = "generate"

    def generate(
        self,
        inputs: str | Sequence[str],
        seed: int | Sequence[int] = 0,
        *,
        temperature: float = 1.0,
        guidance: float = 0.0,
        instead_of: str | None = None,
    ) -> np.ndarray:
        """Draw captions. A caption with a seed is one picture: that of `t2i draw --seed`.

        Words outside the vocabulary are read as the unknown word, with a `UserWarning` that names
        them.

        Args:
            inputs: captions; or one alone, for a picture without the dimension B.
            seed: seed of every picture, or as many as there are captions.
            temperature: standard deviation of the noise; 0 draws the mean of the prior.
            guidance: how far to move away from the empty caption; needs a training with
                `--caption-dropout`, or `instead_of`.
            instead_of: caption to move away from; None or "" is the empty one.

        Returns:
            uint8 [B, H, W, C].

        Raises:
            UsageError: captions that are not strings; seeds that are not integers in range, or not
                as many as captions; a temperature or guidance out of range; no guidance
                beside `instead_of`.
            UserError: there is no caption, one has no words or too many, or there is guidance, and
                the system cannot be guided or has no empty caption to move away from.
        """
        captions = _as_list(inputs)
        images = self._draw(captions, seed, temperature, guidance, instead_of).image
        return images[0] if isinstance(inputs, str) else images

    def generate_steps(
        self,
        inputs: Sequence[str],
        seed: int | Sequence[int] = 0,
        *,
        temperature: float = 1.0,
        guidance: float = 0.0,
        instead_of: str | None = None,
    ) -> DrawnSteps:
        """Draw captions, with every step; arguments and errors are those of `generate`."""
        captions = _as_list(inputs)
        drawing = self._draw(captions, seed, temperature, guidance, instead_of)
        return DrawnSteps(*drawing, [split_words(one, self.reader.vocabulary) for one in captions])

    def _draw(self, captions, seed, temperature, guidance, instead_of) -> Drawing:
        seeds = _seeds(seed, len(captions))
        if temperature not in TEMPERATURE:
            raise UsageError(f"Expected a temperature of {TEMPERATURE}, got {temperature!r}.")
        if guidance not in GUIDANCE:
            raise UsageError(f"Expected a guidance of {GUIDANCE}, got {guidance!r}.")
        if not isinstance(instead_of, str | None):
            raise UsageError(f"Expected instead_of to be one caption, got {instead_of!r}.")
        if isinstance(instead_of, str) and is_blank(instead_of):
            instead_of = None  # the empty caption
        if instead_of is not None and guidance == 0:
            raise UsageError(
                "instead_of names what to move away from, but nothing moves: give guidance too."
            )
        read = [*captions, *([] if instead_of is None else _as_list(instead_of))]
        for caption in read:
            check_caption(caption, self.settings.max_words, self.reader.vocabulary)
        unknown = self.unknown_words(read)
        if unknown:
            warnings.warn(f"Words that the model does not know: {unknown}", stacklevel=3)
        other = None if instead_of is None else self.reader(tf.constant([instead_of]))
        self.network.other_caption(self.reader(tf.constant(captions[:1])), guidance, other)
        parts = (slice(k, k + DRAWN_AT_ONCE) for k in range(0, len(captions), DRAWN_AT_ONCE))
        batches = [
            self._draw_batch(captions[part], seeds[part], temperature, float(guidance), other)
            for part in parts
        ]
        return Drawing(*map(np.concatenate, zip(*batches, strict=True)))

    def _draw_batch(self, captions, seeds, temperature, guidance, other) -> list[np.ndarray]:
        """Draw up to as many captions as are drawn at once; the last is repeated to fill up."""
        count, more = len(captions), DRAWN_AT_ONCE - len(captions)
        drawing = self._graph(
            self.reader(tf.constant([*captions, *captions[-1:] * more])),
            tf.constant([*seeds, *seeds[-1:] * more], tf.int64),
            tf.constant(temperature, tf.float32),
            guidance,
            other,
        )
        return [tensor.numpy()[:count] for tensor in drawing]

    @property
    def _graph(self):
        if self._compiled is None:
            self._compiled = tf.function(self._traced, autograph=False)
        return self._compiled

    _compiled = None

    def _traced(self, caption, seeds, temperature, guidance, other):
        noise = self.network.noise(seeds, temperature)
        if other is not None:
            other = tf.repeat(other, tf.shape(caption)[0], axis=0)
        return self.network.generate(caption, noise, guidance, other).in_pixels()


@_registered
class ImageToText(PretrainedModel):
    """Pictures to captions, by a captioner."""

    ability = "describe"

    def generate(self, images: np.ndarray, beam: int = 3) -> list[str]:
        """Describe pictures.

        Args:
            images: uint8, or float in [0, 1], [B, H, W, C], of the size of the training.
            beam: hypotheses that the beam search keeps; 1 is greedy decoding.

        Raises:
            UsageError: the pictures are no numbers, or the beam is no count of 1 or more.
            UserError: the pictures have another size.
        """
        if not isinstance(beam, int | np.integer) or beam not in COUNT:
            raise UsageError(f"Expected a beam of {COUNT}, got {beam!r}.")
        image = tf.constant(_pictures(images, self))
        description = self.network.describe(image, beam, self.settings.max_words)
        return [" ".join(self.vocabulary.words(ids)) for ids in description.token_ids.numpy()]


@_registered
class ImageToImage(PretrainedModel):
    """Blurry pictures to sharp ones, by a sharpener."""

    ability = "sharpen"

    def generate(self, images: np.ndarray, inputs: Sequence[str]) -> np.ndarray:
        """Sharpen pictures of captions.

        Args:
            images: uint8, or float in [0, 1], [B, H, W, C], of the size of the training.
            inputs: caption of each picture.

        Returns:
            uint8 [B, H, W, C].

        Raises:
            UsageError: the pictures are no numbers, or the captions no strings.
            UserError: the pictures have another size, or there are not as many as captions.
        """
        captions = _as_list(inputs)
        pictures = _pictures(images, self)
        if len(pictures) != len(captions):
            raise UserError(
                f"Expected a caption for each picture, got {len(captions)} for {len(pictures)}."
            )
        blurry = to_floats(tf.constant(pictures), "float32")
        sharp = self.network.sharpen(blurry, self.reader(tf.constant(captions)))
        return to_pixels(sharp).numpy()


@_registered
class TextToVector(PretrainedModel):
    """Captions to sentence vectors, by a skip-thought encoder."""

    ability = "sentence_encoder"

    def generate(self, inputs: Sequence[str]) -> np.ndarray:
        """Sentence vectors of captions, float32 [B, D].

        Raises:
            UsageError: the captions are no strings.
            UserError: there is no caption.
        """
        captions = tf.constant(_as_list(inputs))
        return self.network.sentence_encoder(self.vocabulary)(captions).numpy()


def _as_list(inputs: str | Sequence[str]) -> list[str]:
    if isinstance(inputs, Mapping | Set):
        raise UsageError(
            f"Expected captions in an order, such as a list, got a {type(inputs).__name__}."
        )
    captions = [*inputs] if _is_several(inputs) else [_scalar(inputs)]
    if not captions:
        raise UserError("Expected at least one caption, got none.")
    for caption in captions:
        if not isinstance(caption, str):
            raise UsageError(f"Expected captions as strings, got {caption!r}.")
        if re.search("[\ud800-\udfff]", caption):
            raise UsageError(f"Expected captions of Unicode, got a lone surrogate in {caption!r}.")
    return captions


def _is_several(values: Any) -> TypeGuard[Iterable]:
    """Whether this is a collection; a string or an array without dimensions is a single value."""
    return (
        isinstance(values, Iterable)
        and not isinstance(values, str | bytes)
        and getattr(values, "ndim", 1) > 0
    )


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.ndarray) else value


def _seeds(seed: int | Sequence[int], count: int) -> list[int]:
    """A seed for each caption."""
    if isinstance(seed, Mapping | Set):
        raise UsageError(
            f"Expected seeds in an order, such as a list, got a {type(seed).__name__}."
        )
    seeds = [*seed] if _is_several(seed) else [_scalar(seed)] * count
    if len(seeds) != count:
        raise UsageError(f"Expected one seed, or {count} as there are captions, got {len(seeds)}.")
    for one in seeds:
        whole = isinstance(one, int | np.integer) and not isinstance(one, bool)
        if not whole or one not in SEED:
            raise UsageError(f"Expected seeds from {SEED.low} to {SEED.high}, got {one!r}.")
    return [int(one) for one in seeds]


def _beginning(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _pictures(images: np.ndarray, model: PretrainedModel) -> np.ndarray:
    """Pictures as uint8 or float32, of the size of the model."""
    try:
        pictures = np.asarray(images)
    except ValueError:  # of several sizes
        pictures = np.asarray(None)
    if not (np.issubdtype(pictures.dtype, np.number) or pictures.dtype == bool):
        raise UsageError(
            f"Expected pictures as an array of numbers [B, H, W, C], got {_beginning(images)}."
        )
    whole = np.issubdtype(pictures.dtype, np.integer)
    largest = 255 if whole else 1
    if pictures.size and not (pictures.min() >= 0 and pictures.max() <= largest):  # NaN too
        raise UserError(
            f"Expected pixels from 0 to 255 as integers or from 0 to 1 as floats, got"
            f" {pictures.min():g} to {pictures.max():g} as {pictures.dtype}."
        )
    pictures = pictures.astype(np.uint8 if whole else np.float32)
    check_same_shape(
        image_shape(model.settings.model),
        tuple(pictures.shape[1:]),
        "Expected pictures of {expected}, got {found}",
        "Resize the pictures, and stack them as [B, H, W, C].",
    )
    if not len(pictures):
        raise UserError("Expected at least one picture, got none.")
    return pictures
