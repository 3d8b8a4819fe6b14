"""Captions to pictures, and pictures of how they were drawn."""
