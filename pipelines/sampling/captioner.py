"""A trained captioner describes pictures."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from t2i_tf.checkpoints import Trained
from t2i_tf.errors import UserError

BATCH = 32  # pictures described at a time


class Described(NamedTuple):
    """The caption of one picture, and where its words were looked for."""

    caption: str
    log_probability: float  # nats, of the caption and its end
    words: tuple[str, ...]  # N of them
    attention: np.ndarray  # float32 [N, GH, GW], each word's sums to one


class Captioner:
    """Describes pictures with a trained captioner.

    Every batch has the same size, filled up: the graph is traced once, and a picture has the same
    caption, alone or among others.

    Args:
        trained: from `t2i_tf.checkpoints.load`.
        beam: hypotheses that the search keeps.

    Raises:
        UserError: the model describes nothing.
    """

    def __init__(self, trained: Trained, beam: int = 3):
        if not hasattr(trained.model, "describe"):
            raise UserError(
                f"Expected a captioner, the work folder holds {type(trained.model).__name__}. "
                "Train one with a captioner preset, or name its work folder."
            )
        self.model, self.vocabulary, self.config = trained.model, trained.vocabulary, trained.config
        max_words = trained.config.max_words
        self._describe = tf.function(
            lambda images: self.model.describe(images, beam, max_words),
            autograph=False,  # it would wrap what the model says of wrong pictures in a stack
        )

    def describe(self, images: np.ndarray) -> list[Described]:
        """The captions of pictures uint8 [B, H, W, C].

        Raises:
            UserError: pictures of another size than the model was trained on.
        """
        batches = (images[k : k + BATCH] for k in range(0, len(images), BATCH))
        return [described for batch in batches for described in self._describe_batch(batch)]

    def _describe_batch(self, images: np.ndarray) -> list[Described]:
        filler = np.zeros((BATCH - len(images), *images.shape[1:]), images.dtype)
        found = self._describe(tf.constant(np.concatenate([images, filler])))
        rows = zip(*(tensor.numpy()[: len(images)] for tensor in found), strict=True)
        return [self._described(*row) for row in rows]

    def _described(
        self, token_ids: Sequence[int], log_probability: float, attention: np.ndarray
    ) -> Described:
        words = tuple(self.vocabulary.words(token_ids))
        return Described(" ".join(words), float(log_probability), words, attention[: len(words)])
