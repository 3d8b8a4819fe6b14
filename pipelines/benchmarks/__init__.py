"""Benchmarks, most of them against a baseline that is timed in the same run."""
