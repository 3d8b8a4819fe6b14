"""Sharing a trained model: a preset folder with a model card, sent to the Hugging Face Hub."""
