"""Captions to images with a trained model, sharpened or not, and images to captions."""
