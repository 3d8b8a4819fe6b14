"""Image retrieval by caption, as the paper does it."""
