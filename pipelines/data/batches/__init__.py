"""Batches from a data folder: batch k is a function of the seed and k."""
