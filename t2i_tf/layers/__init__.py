"""The layers that models are built from. They take plain arguments, never a config."""
