"""A trained sharpener, put behind any system."""

from pathlib import Path

import tensorflow as tf

from t2i_tf import checkpoints
from t2i_tf.checkpoints import Trained
from t2i_tf.config import ModelConfig
from t2i_tf.errors import UserError


class Sharpener:
    """Sharpens pictures by their captions; the same picture and caption, the same result.

    Raises:
        UserError: the run is of another kind of model.
    """

    def __init__(self, trained: Trained):
        if not hasattr(trained.model, "sharpen"):
            raise UserError(
                f"Expected a run of a sharpening preset, got one of {type(trained.model).__name__},"
                " which sharpens nothing."
            )
        self.trained = trained
        self.read = tf.function(trained.reader)

    @classmethod
    def load(cls, workdir: Path) -> "Sharpener":
        """The sharpener of a work folder; UserError where there is none."""
        return cls(checkpoints.load(workdir))

    def check_size(self, drawn: ModelConfig) -> None:
        """Raises UserError where pictures have another size than this one sharpens."""
        own = self.trained.config.model
        sizes = [(c.height, c.width, c.channels) for c in (own, drawn)]
        if sizes[0] != sizes[1]:
            wanted, got = (" x ".join(map(str, size)) for size in sizes)
            raise UserError(
                f"The sharpener was trained on pictures of {wanted} (height, width, channels), the "
                f"model draws {got}. Train a sharpener on the model's data folder."
            )

    def __call__(self, image: tf.Tensor, sentence: tf.Tensor) -> tf.Tensor:
        """Pictures float [B, H, W, C] in [0, 1], and what `read` made of their captions."""
        return self.trained.model.sharpen(image, sentence)
