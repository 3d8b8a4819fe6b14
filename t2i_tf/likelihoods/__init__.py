"""Distributions of pixels around a canvas: how far a picture is from what the model drew."""
