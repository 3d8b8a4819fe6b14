"""A trained sharpener, put behind any system."""

from pathlib import Path

import tensorflow as tf

from t2i_tf import checkpoints
from t2i_tf.checkpoints import Trained
from t2i_tf.config import ModelConfig
from t2i_tf.errors import UserError
from t2i_tf.image_ops import check_same_shape, image_shape


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
        check_same_shape(
            image_shape(self.trained.config.model),
            image_shape(drawn),
            "The sharpener was trained on images of {expected}, the model draws {found}",
            "Train a sharpener on the model's data folder.",
        )

    def __call__(self, image: tf.Tensor, sentence: tf.Tensor) -> tf.Tensor:
        """Pictures float [B, H, W, C] in [0, 1], and what `read` made of their captions."""
        return self.trained.model.sharpen(image, sentence)
