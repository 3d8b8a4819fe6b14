"""Captions to states, and images to captions."""
