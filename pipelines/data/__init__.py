"""Datasets, their TFRecords, and the batches that training reads."""
