"""Benchmarks, each timed beside a baseline in the same run."""
