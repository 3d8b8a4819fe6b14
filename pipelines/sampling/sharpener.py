"""Sharpens the images of any system with a trained sharpener."""

from pathlib import Path

import tensorflow as tf

from t2i_tf.checkpoints import Trained
from t2i_tf.config import ModelConfig
from t2i_tf.errors import UserError
from t2i_tf.hub.pretrained import load_trained
from t2i_tf.image_ops import check_same_shape, image_shape


class Sharpener:
    """Sharpens images, conditioned on their captions. It is deterministic.

    Args:
        trained: Run of a sharpening preset, from `load_trained`.

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
        self.read = tf.function(trained.reader, autograph=False)

    @classmethod
    def load(cls, workdir: str | Path) -> "Sharpener":
        """Load the sharpener of a work folder or preset; UserError if there is none."""
        return cls(load_trained(workdir))

    def check_size(self, model: ModelConfig) -> None:
        """Raise UserError if the model draws images of another size than this one sharpens."""
        check_same_shape(
            image_shape(self.trained.config.model),
            image_shape(model),
            "The sharpener was trained on images of {expected}, the model draws {found}",
            "Train a sharpener on the model's data folder.",
        )

    def __call__(self, image: tf.Tensor, sentence: tf.Tensor) -> tf.Tensor:
        """Sharpen images.

        Args:
            image: float [B, H, W, C] in [0, 1].
            sentence: float [B, D], from `read`, which encodes the captions.

        Returns:
            float [B, H, W, C] in [0, 1].
        """
        return self.trained.model.sharpen(image, sentence)
