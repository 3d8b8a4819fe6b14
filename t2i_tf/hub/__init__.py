"""Trained models in one line: loaded by name, saved to a folder, shared on the Hugging Face Hub."""
