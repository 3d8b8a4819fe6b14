"""The procedural scenes: what exists, how it looks, how it is captioned."""
