"""Text-to-image models, and `build_model`, the one place where a config becomes layers."""
