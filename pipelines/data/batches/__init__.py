"""Batches from a data folder, each a function of the seed and its number."""
