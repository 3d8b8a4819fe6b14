"""From data to trained models, pictures and results.

The folders follow the order of the work: data, training, sampling, evaluation, comparison.
"""
