"""Judges of what an image shows: by synthesis, or by a small trained network."""
