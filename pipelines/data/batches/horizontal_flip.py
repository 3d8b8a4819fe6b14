"""Random horizontal flips: pictures from the other side, where there are few pictures.

Not in the paper: our choice for photographs. A flip would make a caption untrue that names a side,
so the pictures of such captions stay as they are.
"""

from dataclasses import dataclass

import tensorflow as tf

from pipelines.data.batches.random_change import change_at_random
from pipelines.data.batches.side_words import names_a_side
from t2i_tf.text.vocabulary import Vocabulary

_STREAM = 0x666C6970  # sets the flips apart from other draws of the same seed


@dataclass(frozen=True)
class HorizontalFlip:
    """Flips each picture of a batch from left to right, or not, by a fair coin.

    Attributes:
        vocabulary: vocabulary of the captions.
        seed: with the step, determines the flips of a batch.
    """

    vocabulary: Vocabulary
    seed: int

    def __call__(self, batches: tf.data.Dataset, start_step: int = 0) -> tf.data.Dataset:
        """The batches from `start_step` on, with flips.

        Features of an example that are pictures too, [B, H, W, C], are flipped with its picture.
        """
        sides = self.vocabulary.ids(filter(names_a_side, self.vocabulary.entries))
        sides = tf.constant(sides, tf.int32)

        def flip(key, batch):
            size = tf.shape(batch["token_ids"])[0]
            flipped = tf.random.stateless_uniform([size], key) < 0.5
            flipped &= ~_contain_any(batch["token_ids"], sides)
            return {
                name: _mirrored_where(flipped, part) if part.shape.rank == 4 else part
                for name, part in batch.items()
            }

        return change_at_random(batches, start_step, (self.seed, _STREAM), flip)


def _contain_any(token_ids: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
    """Which captions, int32 [B, N], contain one of the words, int32 [W]; bool [B]."""
    return tf.reduce_any(token_ids[:, :, tf.newaxis] == words, axis=(1, 2))


def _mirrored_where(chosen: tf.Tensor, pictures: tf.Tensor) -> tf.Tensor:
    """Pictures [B, H, W, C] with those mirrored that are chosen, bool [B]."""
    return tf.where(chosen[:, None, None, None], tf.reverse(pictures, [2]), pictures)
