"""Models and their versions: loading, batching, running."""
