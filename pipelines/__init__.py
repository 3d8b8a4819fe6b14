"""Data in, pictures and numbers out.

The folders are the order of work: data, training, drawing, evaluation.
"""
