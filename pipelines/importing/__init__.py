"""Weights that others have trained, as a work folder."""
