"""Metrics of trained systems: likelihood, retrieval, similarity, caption accuracy, realism."""
