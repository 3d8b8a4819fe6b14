"""Comparison of the paper's systems, trained with the same budget and evaluated alike."""
