"""The parts that models are built from. Layers take plain arguments, never a config."""
