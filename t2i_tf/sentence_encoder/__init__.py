"""Captions to sentence vectors: skip-thought encoders, trained here or published."""
