"""Trained models in one line: loaded by name, saved to a folder, shared on the Hugging Face Hub."""

# All of them, so that `PretrainedModel.from_preset` finds the class for any model.
from t2i_tf.hub.pretrained import PretrainedModel
from t2i_tf.hub.tasks import ImageToImage, ImageToText, TextToImage, TextToVector

__all__ = ["ImageToImage", "ImageToText", "PretrainedModel", "TextToImage", "TextToVector"]
