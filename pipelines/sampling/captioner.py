"""Describes images with a trained captioner."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from t2i_tf.checkpoints import Trained
from t2i_tf.errors import UserError

BATCH = 32  # images described at a time


class GeneratedCaption(NamedTuple):
    """The caption of one image, and where its words attend."""

    caption: str
    log_probability: float  # of the caption and its end, nats
    words: tuple[str, ...]  # N of them
    attention: np.ndarray  # float32 [N, GH, GW]; sums to one over the grid for each word


class Captioner:
    """Describes images with a trained captioner.

    All batches are padded to one size: the graph is traced once, and an image has the same caption,
    alone or among others.

    Args:
        trained: Run of a captioner, from `load_trained`.
        beam: Hypotheses that the beam search keeps.

    Raises:
        UserError: the model is not a captioner.
    """

    def __init__(self, trained: Trained, beam: int = 3):
        if not hasattr(trained.model, "describe"):
            raise UserError(
                f"Expected a captioner, the work folder or preset holds "
                f"{type(trained.model).__name__}. Give that of a captioner, or train one with a "
                "captioner preset."
            )
        self.model, self.vocabulary, self.config = trained.model, trained.vocabulary, trained.config
        max_words = trained.config.max_words
        self._describe = tf.function(
            lambda images: self.model.describe(images, beam, max_words),
            autograph=False,  # it would wrap the model's error about image sizes in a stack trace
        )

    def describe(self, images: np.ndarray) -> list[GeneratedCaption]:
        """The caption of each image.

        Args:
            images: uint8 [B, H, W, C].

        Raises:
            UserError: the images have another size than those that the model was trained on.
        """
        batches = (images[k : k + BATCH] for k in range(0, len(images), BATCH))
        return [caption for batch in batches for caption in self._describe_batch(batch)]

    def _describe_batch(self, images: np.ndarray) -> list[GeneratedCaption]:
        padding = np.zeros((BATCH - len(images), *images.shape[1:]), images.dtype)
        description = self._describe(tf.constant(np.concatenate([images, padding])))
        rows = zip(*(tensor.numpy()[: len(images)] for tensor in description), strict=True)
        return [self._caption(*row) for row in rows]

    def _caption(
        self, token_ids: Sequence[int], log_probability: float, attention: np.ndarray
    ) -> GeneratedCaption:
        words = tuple(self.vocabulary.words(token_ids))
        return GeneratedCaption(
            " ".join(words), float(log_probability), words, attention[: len(words)]
        )
