"""Datasets that a data folder is made from; each yields the same `Example`."""
